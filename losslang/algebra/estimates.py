"""Estimates by random probes, where a recipe asks for them: sums of squares, traces and log-dets without their matrix.

A probe is a random direction u in d dimensions, E[u uᵀ] = I / d, so that tr A = d E[u·A u] (Hutchinson 1989), and A u is had
from products with rows alone. Hutch++ (Meyer et al. 2021) takes the trace exactly on the range of a few of these products
and probes only what is left. The log-det of I + s XᵀX is the trace of its logarithm, by stochastic Lanczos quadrature
(Ubaru, Chen and Saad 2017). Probes are drawn anew at every step from a hash of the step, the same on every process.

The rows here are no identities: what they give is another value, equal in expectation. Hence they are not passes of the
optimiser, but are applied to a method before it, and never unasked.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import partial, reduce
from typing import Any, TypeAlias

from losslang.algebra.cheaper import DIAGONALS, Rewrite, log_dets, sums_of_squares, traces_of_log
from losslang.algebra.optimise import keeping_seeds
from losslang.algebra.patterns import is_constant
from losslang.algebra.rewrite import Maker, Rewritten, Row, rewrite
from losslang.diagnostics import LosslangError
from losslang.objective.axes import BATCH, FEATURE, Axis, Dim, Type
from losslang.objective.graph import Graph, Node
from losslang.objective.spec import Spec
from losslang.syntax.names import nearest

__all__ = ["EXACT", "Estimate", "estimate_graph", "estimate_of", "estimated"]

DIRECTION = Axis("direction")

CHOICES = {"log_det": ("exact", "lanczos"), "trace": ("exact", "hutchinson", "hutch++")}
FEWEST = {"probes": 4, "steps": 2}
MOST = 4096
"""Of probes and of steps."""


@dataclass(frozen=True)
class Estimate:
    """How log-dets and traces are had: `exact`, or by so many random probes.

    `trace` is for traces of products, the sum of a covariance's squares among them; `probes` counts products with the matrix
    whose trace or squares are asked for, those of Hutch++'s sketch included. `steps` are those of Lanczos, for log-dets.
    """

    log_det: str = "exact"
    trace: str = "exact"
    probes: int = 32
    steps: int = 20

    @property
    def is_exact(self) -> bool:
        """Whether nothing is estimated."""
        return self.log_det == self.trace == "exact"

    def words(self) -> str:
        """`log_det: lanczos (32 probes, 20 steps), trace: exact`."""
        steps = f"{self.probes} probes, {self.steps} steps"
        log_det = self.log_det if self.log_det == "exact" else f"{self.log_det} ({steps})"
        trace = self.trace if self.trace == "exact" else f"{self.trace} ({self.probes} probes)"
        return f"log_det: {log_det}, trace: {trace}"


EXACT = Estimate()


def estimate_of(choice: Mapping[str, Any] | Estimate | None) -> Estimate:
    """The estimate that a mapping asks for, as `{"trace": "hutch++", "probes": 64}`. Raises LosslangError."""
    if choice is None or isinstance(choice, Estimate):
        return choice or EXACT
    known = [row.name for row in fields(Estimate)]
    for name, value in choice.items():
        if name not in known:
            close = nearest(name, known)
            raise LosslangError(
                f"estimate: there is no `{name}`; " + (f"did you mean `{close}`?" if close else _are(known))
            )
        if name in CHOICES and value not in CHOICES[name]:
            raise LosslangError(f"estimate: `{name}` is {_are(CHOICES[name], 'one of')}, not {value!r}")
        whole = isinstance(value, int) and not isinstance(value, bool)
        if name in FEWEST and not (whole and FEWEST[name] <= value <= MOST):
            raise LosslangError(f"estimate: `{name}` is a whole number from {FEWEST[name]} to {MOST}, not {value!r}")
    return Estimate(**choice)


def _are(names: tuple[str, ...] | list[str], word: str = "there are") -> str:
    return f"{word} {', '.join(names)}"


def estimated(spec: Spec, estimate: Estimate) -> Spec:
    """A method whose log-dets and traces are estimated; its hash is still that of the method as written."""
    if estimate.is_exact:
        return spec
    found = replace(spec, graph=estimate_graph(spec.graph, estimate).graph)
    found.__dict__["hash"] = spec.hash
    return found


def estimate_graph(graph: Graph, estimate: Estimate) -> Rewritten:
    """The graph with every log-det and trace that the estimate is for in its new form. Draws of the method keep their seeds.

    What has no more dimensions than there are probes stays exact.
    """
    if estimate.is_exact:
        return Rewritten(graph, Counter())
    return rewrite(graph, [keeping_seeds(graph), *DIAGONALS, *_rows(estimate)])


def _rows(estimate: Estimate) -> list[Row]:
    rows = []
    if estimate.log_det == "lanczos":
        rows.append(Row("lanczos", "log det M = d E[u·log(M) u]", log_dets(partial(_log_det, estimate))))
    if estimate.trace != "exact":
        squares: Rewrite = sums_of_squares(partial(_squares, estimate))
        traces: Rewrite = traces_of_log(partial(_trace_of_log, estimate))
        rows += [
            Row(f"{estimate.trace}_squares", "Σ (XᵀY)² = d E[|XᵀY u|²]", squares),
            Row(f"{estimate.trace}_trace", "tr f(M) = d E[u·f(M) u]", traces),
        ]
    return rows


# ---------------------------------------------------------------- probes

Product: TypeAlias = Callable[[Node], Node]
"""The image A v [direction, feature] of vectors v [direction, feature], through rows."""

STREAM = 1_000_003
"""Distance of the seeds that one place in a method uses: more than a method has values."""


@dataclass(frozen=True)
class _Probes:
    """Draws the probes of one matrix [feature, feature'] of `like`."""

    estimate: Estimate
    like: Node
    make: Maker

    @property
    def pay(self) -> bool:
        """Whether there are more dimensions than probes."""
        dim = self.like.type.find(FEATURE)
        return dim is not None and (dim.known is None or dim.known > self.estimate.probes)

    def draw(self, count: int, stream: int = 1) -> Node:
        """[direction, feature]: unit vectors, others for every place in the method and every stream."""
        make, feature = self.make, self.like.type.find(FEATURE)
        assert make.at is not None
        assert feature is not None
        seed = make.at.number + stream * STREAM
        attributes = (("count", count), ("over", (FEATURE,)), ("seed", seed))
        type_ = Type.of([Dim(DIRECTION, count), feature])
        return make.make("random_directions", (self.like,), attributes, type_, frozenset())

    def for_trace(self, product: Product, cost: int) -> Node:
        """Rows w [direction, feature] with E Σ w·A w = tr A; `product` gives A v, at `cost` products each."""
        count = self.estimate.probes
        if self.estimate.trace == "hutchinson":
            return self._scaled(self.draw(count), count)
        sketched = count // (2 + cost)
        sketch = product(self.draw(sketched, stream=2))
        rest = count - (1 + cost) * sketched
        return self.make.call("deflated_probes", sketch, self._scaled(self.draw(rest), rest), over=(FEATURE,))

    def _scaled(self, probes: Node, count: int) -> Node:
        """Probes of length √(d / count), so that a sum over them is d times the mean over unit ones."""
        make, feature = self.make, self.like.type.find(FEATURE)
        if feature is not None and feature.known is not None:
            return make.call("multiply", make.constant(math.sqrt(feature.known / count)), probes)
        share = make.call("divide", make.size(self.like, FEATURE), make.constant(count))
        return make.call("multiply", make.call("sqrt", share), probes)


def _through_rows(make: Maker, x: Node, y: Node, scale: Node, over: Sequence[Axis]) -> Product:
    """v -> scale · Xᵀ(Y v)."""

    def product(v: Node) -> Node:
        rows = make.call("dot", y, v, over=(FEATURE,))
        return make.call("multiply", scale, make.call("dot", x, rows, over=tuple(over)))

    return product


# ---------------------------------------------------------------- the three quantities


def _squares(
    estimate: Estimate,
    make: Maker,
    x: Node,
    y: Node,
    scale: Node,
    *,
    over: tuple[Axis, ...],
    pairs: tuple[Axis, ...],
    hollow: bool,
) -> Node | None:
    """Σ (scale · XᵀY)², without the diagonal where hollow: E Σ |B w|² for the matrix B of which the squares are."""
    probes = _Probes(estimate, x, make)
    if pairs != (FEATURE,) or not probes.pay:
        return None
    diagonal = make.call("multiply", scale, make.call("dot", x, y, over=over)) if hollow else None

    def without_diagonal(product: Product) -> Product:
        if diagonal is None:
            return product
        return lambda v: make.call("subtract", product(v), make.call("multiply", diagonal, v))

    forth = without_diagonal(_through_rows(make, x, y, scale, over))
    back = without_diagonal(_through_rows(make, y, x, scale, over))
    image = forth(probes.for_trace(lambda v: back(forth(v)), cost=2))
    return make.call("sum", make.call("power", image, make.constant(2)), over=(DIRECTION, FEATURE))


def _log_det(
    estimate: Estimate, make: Maker, x: Node, scale: Node, *, over: tuple[Axis, ...], pairs: tuple[Axis, ...]
) -> Node | None:
    """log det(I + scale · XᵀX), with the gradient 2 scale · X M⁻¹ through solutions of M w = u."""
    probes = _Probes(estimate, x, make)
    if pairs != (FEATURE,) or not probes.pay:
        return None
    drawn = probes.draw(estimate.probes)
    return make.call("logdet_by_probes", x, drawn, scale, over=over, pairs=pairs, steps=estimate.steps)


def _trace_of_log(
    estimate: Estimate,
    make: Maker,
    x: Node,
    y: Node,
    scale: Node,
    shift: Node,
    *,
    over: tuple[Axis, ...],
    pairs: tuple[Axis, ...],
    order: int,
) -> Node | None:
    """tr f(shift · I + scale · XᵀY) for f(1 + e) = e - e²/2 + …, through products with the features' side."""
    probes, plain = _Probes(estimate, x, make), is_constant(shift, 1)
    if (pairs, over) == ((BATCH,), (FEATURE,)) and plain:  # tr f(I + s XYᵀ) = tr f(I + s YᵀX), as f(1) is 0
        through = _through_rows(make, y, x, scale, (BATCH,))
    elif pairs == (FEATURE,):
        through = _through_rows(make, x, y, scale, over)
    else:
        return None
    if not probes.pay:
        return None
    away = make.call("subtract", shift, make.constant(1))
    first = make.call("multiply", scale, make.call("dot", x, y, over=(*over, *pairs)))
    if not plain:
        first = make.call("add", first, make.call("multiply", away, make.size(x, FEATURE)))

    def step(v: Node) -> Node:
        return through(v) if plain else make.call("add", make.call("multiply", away, v), through(v))

    def series(v: Node) -> Node:
        """-e²/2 + e³/3 - … on v: the trace of the first term needs no probes."""
        powers = [step(v)]
        while len(powers) < order:
            powers.append(step(powers[-1]))
        terms = [make.call("multiply", make.constant((-1) ** (n + 1) / n), powers[n - 1]) for n in range(2, order + 1)]
        return reduce(partial(make.call, "add"), terms)

    if order < 2:
        return first
    rows = probes.for_trace(series, cost=1)
    return make.call("add", first, make.call("dot", rows, series(rows), over=(DIRECTION, FEATURE)))

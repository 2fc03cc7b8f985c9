"""The optimiser: the same mathematics, cheaper. Passes are named, each a few rows of one table, and can be left out."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace

from losslang.algebra.cheaper import DIAGONALS, SIDES, STANDARDS
from losslang.algebra.contrast import CONTRASTS
from losslang.algebra.cosines import cosines_of_views
from losslang.algebra.cosines_of_pairs import cosines_of_pairs
from losslang.algebra.entropies import cross_entropies
from losslang.algebra.masked import MASKED
from losslang.algebra.products import SIZES, correlations_together
from losslang.algebra.rewrite import Maker, Rewritten, Row, rewrite, roots
from losslang.algebra.streaming import CHOICES, STREAMS
from losslang.algebra.totals import TOTALS
from losslang.algebra.tracked import product_with_running
from losslang.algebra.units import units_in_contrast
from losslang.algebra.views import views_together
from losslang.algebra.waves import WAVES
from losslang.algebra.whitening import WHITENING
from losslang.diagnostics import LosslangError
from losslang.objective.graph import Graph, Node, walk
from losslang.objective.spec import Spec

__all__ = ["NAMES", "NOT_PLAIN", "PASSES", "keeping_seeds", "optimise", "optimised"]

PASSES: dict[str, tuple[Row, ...]] = {
    "standardizing": STANDARDS,
    "diagonals": DIAGONALS,
    "masked_sums": MASKED,
    "cheaper_side": SIDES,
    "streaming": STREAMS,
    "contrast": CONTRASTS,
    "choices": CHOICES,
    "totals": TOTALS,
    "waves": WAVES,
    "whitening": WHITENING,
}
"""The rows by pass, in the order in which they are tried."""

OF_GRAPHS: dict[str, Callable[[Graph], Row]] = {
    "cosines_of_views": cosines_of_views,
    "cosines_of_pairs": cosines_of_pairs,
    "views_together": views_together,
}
"""Passes of one row, made for a graph: they look at the whole of it first."""

AFTER: dict[str, Callable[[Graph], Row]] = {
    "correlations": correlations_together,
    "product_with_running": product_with_running,
    "units_in_contrast": units_in_contrast,
    "cross_entropies": cross_entropies,
}
"""The same, of the graph that all other passes leave."""

NAMES = (*OF_GRAPHS, *PASSES, *AFTER)
"""Every pass."""

NOT_PLAIN = tuple(name for name in NAMES if name not in OF_GRAPHS)
"""Passes that choose operations with gradients of their own, which torch.vmap does not know."""


def optimise(graph: Graph, without: Collection[str] = ()) -> Rewritten:
    """The graph with every pass but those named in `without`.

    Random draws keep the seed that they have without the optimiser. Raises LosslangError for a pass that does not exist.
    """
    for name in without:
        if name not in NAMES:
            raise LosslangError(f"the optimiser has no pass `{name}`; there are {', '.join(NAMES)}")
    rows = [row for name, rows in PASSES.items() if name not in without for row in rows]
    of_graph = [row(graph) for name, row in OF_GRAPHS.items() if name not in without]
    found = rewrite(graph, [keeping_seeds(graph), *of_graph, *rows])
    after = [row(found.graph) for name, row in AFTER.items() if name not in without]
    return rewrite(found.graph, [*after, *SIZES], before=found) if after else found


def optimised(spec: Spec, without: Collection[str] = ()) -> Spec:
    """A method whose graph is optimised; its hash is still that of the method as written."""
    found = replace(spec, graph=optimise(spec.graph, without).graph)
    found.__dict__["hash"] = spec.hash
    return found


def keeping_seeds(graph: Graph) -> Row:
    """A row that gives every random draw the number it has before rewriting, which seeds it, as an option."""
    numbers = iter([node.number for node in walk(roots(graph)) if node.op == DRAW])

    def keep(node: Node, make: Maker) -> Node | None:
        if node.op != DRAW or any(key == "seed" for key, _ in node.attributes):
            return None
        return make.again(replace(node, attributes=(*node.attributes, ("seed", next(numbers)))), node.inputs)

    return Row("seed", "a draw keeps its seed", keep)


DRAW = "random_directions"

"""Random objectives as texts of the language: an alignment with or without the known mechanisms, and 0 to 3 further terms."""

from __future__ import annotations

import math
import random
from collections.abc import Collection, Iterator
from dataclasses import dataclass

__all__ = ["TERMS", "Objective", "draw"]

WEIGHTS = (1e-3, 1e2)
"""Range of the weights of further terms, log-uniform."""

TERMS = {
    "center": "mean(center_penalty(z[v]) for v in views)",
    "center_squared": "mean(center_penalty(z[v], power=2) for v in views)",
    "variance": "mean(variance_hinge(z[v]) for v in views)",
    "covariance": "mean(covariance_penalty(z[v]) for v in views)",
    "coding_rate": "-mean(coding_rate(normalize(z[v])) for v in views)",
    "info_nce": "info_nce(z[a], z[b], temperature={temperature})",
    "uniformity": "mean(uniformity(z[v]) for v in views)",
    "barlow": "sum((1 - diag(c))^2) + 0.005 * redundancy_penalty(c)",
    "triplet": "triplet(z[a], z[b], roll(z[b], 1), {margin})",
}
"""Further terms by name; each is minimised with a weight in front."""

PREDICTORS = {"linear": "linear(16)", "mlp": "mlp(32, 16{norm})", "bias": "bias_layer"}
SIDES = {"none": 9, "one": 7, "both": 2}
"""Where a predictor stands, with its frequency among 18."""


BARE = 5
"""Every so many objectives one has no further term."""


@dataclass(frozen=True)
class Design:
    """The choices that make an objective; two objectives of one design are the same."""

    compare: str  # cos | mse
    side: str  # of the predictor: none | one | both
    predictor: str  # a key of PREDICTORS, where there is one
    branch: str  # the target: live | stopped | wrong (the predictor's side is stopped) | ema
    momentum: float
    centering: bool
    hidden_norm: bool
    output_norm: bool
    terms: tuple[tuple[str, str, float], ...]  # name, formula, weight

    @property
    def kind(self) -> str:
        """The mechanism beside the further terms that theory would name first."""
        if self.output_norm:
            return "output norm"
        if self.centering:
            return "centering"
        if self.side == "both":
            return "predictor on both sides"
        if self.side == "one":
            held = {"live": "no stop-gradient", "wrong": "wrong side stopped", "stopped": "stopped", "ema": "EMA"}
            return f"predictor, {held[self.branch]}"
        return {"live": "no mechanism", "stopped": "stop-gradient", "ema": "EMA target"}[self.branch]

    def text(self) -> str:
        """The method as a file."""
        norm = ", norm=batchnorm" if self.hidden_norm else ""
        last = ", last_norm=batchnorm(affine=false)" if self.output_norm else ""
        lines = [
            "method random",
            "network encoder = backbone",
            f"network projector = mlp(64, 16{norm}{last})",
        ]
        if self.side != "none":
            lines.append(f"network predictor = {PREDICTORS[self.predictor].format(norm=norm)}")
        if self.branch == "ema":
            lines.append(f"network target = ema(chain(encoder, projector), momentum={self.momentum})")
        lines += ["z = projector(encoder(x))", *self._sides()]
        if any(name == "barlow" for name, _, _ in self.terms):
            lines += ["s = standardize(z)", "c = cross_moment(s[a], s[b])"]
        lines += ["minimize", f"  align: {self._alignment()}"]
        lines += [f"  {name}: {weight:g} * ({formula})" for name, formula, weight in self.terms]
        return "\n".join(lines) + "\n"

    def _sides(self) -> Iterator[str]:
        if self.side != "none":
            yield "p = predictor(z)"
        if self.branch == "ema":
            yield "t = target(x)"
        if self.centering:
            target = "t" if self.branch == "ema" else "z"
            yield f"m = running(mean({target}, over=[view, batch]), momentum=0.9, read=before)"

    def _alignment(self) -> str:
        left = "z" if self.side == "none" else "p"
        right = {"ema": "t"}.get(self.branch, "p" if self.side == "both" else "z")
        one, other = f"{left}[u]", f"{right}[v] - m" if self.centering else f"{right}[v]"
        if self.branch == "stopped":
            other = f"stopgrad({other})"
        if self.branch == "wrong":
            one = f"stopgrad({one})"
        function = {"cos": "alignment", "mse": "mse_alignment"}[self.compare]
        return f"mean({function}({one}, {other}) for u in views for v in views if u != v)"


@dataclass(frozen=True)
class Objective:
    """A drawn objective: its `text` is a method, its `kind` the mechanism it has beside its further terms and their weights."""

    number: int
    kind: str
    terms: dict[str, float]
    text: str


def draw(count: int, seed: int, *, known: Collection[str] = ()) -> tuple[Objective, ...]:
    """So many different objectives by a seed, none of whose texts is `known`; every fifth has no further term."""
    chance = random.Random(seed)
    seen = set(known)
    found: list[Objective] = []
    while len(found) < count:
        design = _design(chance, bare=len(found) % BARE == 0)
        text = design.text()
        if text not in seen:
            seen.add(text)
            weights = {name: weight for name, _, weight in design.terms}
            found.append(Objective(len(found), design.kind, weights, text))
    return tuple(found)


def _design(chance: random.Random, *, bare: bool) -> Design:
    side = chance.choices(list(SIDES), weights=list(SIDES.values()))[0]
    branches = ["live", "stopped", "ema"] if side == "none" else ["live", "stopped", "stopped", "wrong", "ema"]
    branch = "stopped" if side == "both" and chance.random() < 0.5 else chance.choice(branches)
    if side == "both" and branch in {"wrong", "ema"}:
        branch = "live"
    centers = branch in {"stopped", "ema"} and side != "both"
    return Design(
        compare=chance.choice(["cos", "mse"]),
        side=side,
        predictor=chance.choice(list(PREDICTORS)),
        branch=branch,
        momentum=chance.choice([0.9, 0.99, 0.996]),
        centering=centers and chance.random() < 0.2,
        hidden_norm=chance.random() < 0.5,
        output_norm=chance.random() < 0.1,
        terms=() if bare else _terms(chance),
    )


def _terms(chance: random.Random) -> tuple[tuple[str, str, float], ...]:
    names = chance.sample(list(TERMS), chance.choices([1, 2, 3], weights=[5, 3, 2])[0])
    low, high = (math.log10(weight) for weight in WEIGHTS)
    options = {"temperature": chance.choice([0.1, 0.2, 0.5]), "margin": chance.choice([0.2, 1])}
    return tuple(
        (name, TERMS[name].format(**options), float(f"{10 ** chance.uniform(low, high):.3g}")) for name in names
    )

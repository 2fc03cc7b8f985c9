"""Figure 1, trained on the spot: what alignment alone makes of embeddings in the plane, and what the center penalty does."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib import resources
from typing import Any

from losslang.report.claims import CONSTANT, SHORT, said, side
from losslang.report.snapshots import Snapshot, snapshots, snapshots_figure
from losslang.report.statistics import difference, estimate
from losslang.training.plan import resolve_run

__all__ = ["first_figure"]

MOMENTS = (0, 20, 50, 100, 300, 1000)
SEEDS, SHOWN = 5, 1
"""How many seeds are trained, and that of the panels: one in which a penalty of strength 1 is too weak."""

_ROWS = (("alignment alone", 0), ("center penalty, 1", 1), ("center penalty, 2", 2))
"""What the rows are called, and the weight of the penalty."""

_SOURCE = "Jha et al. 2024, fig. 1"


def first_figure() -> tuple[Any, str]:
    """The panels of one seed, and what all seeds say of the claims. Raises PlotMissing."""
    path = str(resources.files("losslang.report").joinpath("plane.yaml"))
    panels, ends = {}, []
    for label, strength in _ROWS:
        plans = [resolve_run(path, sets={"strength": str(strength), "seed": str(seed)}) for seed in range(SEEDS)]
        trained = [snapshots(plan, MOMENTS if seed == SHOWN else MOMENTS[-1:]) for seed, plan in enumerate(plans)]
        panels[label] = trained[SHOWN]
        ends.append([found[-1] for found in trained])
    parts = ["## What the center does", "![Embeddings over training](figure1.svg)", _about(), *_claims(ends)]
    return snapshots_figure(panels), "\n\n".join(parts)


def _about() -> str:
    return (
        "Unit embeddings of test samples of blobs with two features, classes drawn a little apart; the arrow is their mean."
        f" The panels are of seed {SHOWN}, the numbers of {SEEDS} seeds after {MOMENTS[-1]} steps. Every run begins near the"
        " collapse: the embeddings of untrained networks have a center longer than 0.96."
    )


def _claims(ends: Sequence[Sequence[Snapshot]]) -> Iterator[str]:
    """Alignment alone, then the penalty by its strengths; `ends` are the last snapshots by row and seed."""
    alone, *penalised = ends
    yield _claim(
        "Alignment alone draws all embeddings to one point.", [_center(alone, "alignment alone", CONSTANT, above=True)]
    )
    named = list(zip((f"strength {strength}" for _, strength in _ROWS[1:]), penalised, strict=True))
    text = "A penalty on the length of the center keeps the embeddings around the circle."
    yield _claim(text, [_center(of, name, SHORT, above=False) for name, of in named])
    yield _claim("It keeps the classes apart.", [_classes(of, alone, name) for name, of in named])


def _claim(text: str, rows: Sequence[str]) -> str:
    return "\n".join([f"- *{text}* ({_SOURCE})", *(f"  - blobs: {row}." for row in rows)])


def _center(ends: Sequence[Snapshot], name: str, level: float, *, above: bool) -> str:
    found = estimate([end.center_norm for end in ends])
    claimed = f"{'above' if above else 'below'} {level:g}"
    constant = sum(end.center_norm > CONSTANT for end in ends)
    return (
        f"**{side(found, level, above=above)}**; {said('center_norm')} of {name}: {found.interval()}; claimed: {claimed};"
        f" {constant} of {len(ends)} seeds end above {CONSTANT:g}"
    )


def _classes(ends: Sequence[Snapshot], alone: Sequence[Snapshot], name: str) -> str:
    one, other = ([end.separation() for end in of] for of in (ends, alone))
    apart = difference(one, other)
    return (
        f"**{side(apart, 0, above=True)}**; mean cosine within classes less that between them {estimate(one).mean:.3f} of"
        f" {name}, {estimate(other).mean:.3f} of alignment alone, difference {apart.interval()}; claimed: above 0"
    )

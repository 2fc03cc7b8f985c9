"""Who trains with whom, and in which process."""

from __future__ import annotations

import math
from collections.abc import Sequence

from losslang.training.plan import RunPlan

__all__ = ["shares"]


def shares(plans: Sequence[RunPlan], processes: int) -> list[list[list[int]]]:
    """For every process the groups of plans, by their places, that it trains side by side, one group after the other.

    A group sees its data in the same way: with methods side by side their batches are made once, with data sets side by side
    the runs of a method are one ensemble. Large groups are split until every process has its part. It depends on the plans
    and the number of processes alone, and not on what is done already, so that a resumed ensemble has the members that it
    had.
    """
    sights: dict[object, list[int]] = {}
    for at, plan in enumerate(plans):
        sights.setdefault(_sight(plan), []).append(at)
    most = math.ceil(len(plans) / processes)
    groups = [part for group in sights.values() for part in _split(group, plans, most)]
    loads: list[list[list[int]]] = [[] for _ in range(processes)]
    for group in sorted(groups, key=len, reverse=True):
        min(loads, key=lambda load: sum(map(len, load))).append(group)
    return [load for load in loads if load]


def _split(group: list[int], plans: Sequence[RunPlan], most: int) -> list[list[int]]:
    """A group in parts of about `most` runs, in order: methods stay together. Of photos those of one seed do, to be read once."""
    parts = math.ceil(len(group) / most)
    if plans[group[0]].dataset.kind != "photos":
        return [group[at * len(group) // parts : (at + 1) * len(group) // parts] for at in range(parts)]
    seeds = sorted({plans[at].recipe.seed for at in group})
    parts = min(parts, len(seeds))
    part_of = {seed: at * parts // len(seeds) for at, seed in enumerate(seeds)}
    return [[at for at in group if part_of[plans[at].recipe.seed] == part] for part in range(parts)]


def _sight(plan: RunPlan) -> object:
    recipe, data = plan.recipe, plan.dataset
    return (
        data.name if data.kind == "photos" else data.shape,
        tuple(plan.policies.values()),
        recipe.batch_size,
        plan.steps,
        recipe.precision,
        recipe.device,
    )

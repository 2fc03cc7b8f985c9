"""Who trains with whom, and in which process."""

from __future__ import annotations

import math
from collections.abc import Sequence

from losslang.training.plan import RunPlan

__all__ = ["shares"]


def shares(plans: Sequence[RunPlan], processes: int) -> list[list[list[int]]]:
    """For every process the groups of plans, by their places, that it trains side by side, one group after the other.

    A group sees the same data in the same way, so that its batches are made once. Large groups are split by seeds, until
    every process has its part. It depends on the plans and the number of processes alone, and not on what is done
    already, so that a resumed ensemble has the members that it had.
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
    """A group in parts of about `most` runs; those of one seed stay together."""
    seeds = sorted({plans[at].recipe.seed for at in group})
    parts = min(math.ceil(len(group) / most), len(seeds))
    part_of = {seed: at * parts // len(seeds) for at, seed in enumerate(seeds)}
    return [[at for at in group if part_of[plans[at].recipe.seed] == part] for part in range(parts)]


def _sight(plan: RunPlan) -> object:
    recipe = plan.recipe
    return (
        plan.dataset.name,
        tuple(plan.policies.values()),
        recipe.batch_size,
        plan.steps,
        recipe.precision,
        recipe.device,
    )

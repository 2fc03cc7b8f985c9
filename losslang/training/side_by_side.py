"""`losslang train A B C` on photos: the runs step side by side in one process, and share what is costly in a batch."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from losslang.training.hold import held
from losslang.training.loggers import loggers_of
from losslang.training.plan import RunPlan
from losslang.training.progress import show_progress
from losslang.training.signals import Pending
from losslang.training.together import Outcome, train_together

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["sharing", "train_side_by_side"]


def sharing(plans: Iterable[RunPlan], *, in_turn: bool = False) -> list[list[RunPlan]]:
    """Plans in groups that train side by side: those of photos whose batches hold the same images. Others stay alone."""
    groups: dict[object, list[RunPlan]] = {}
    for at, plan in enumerate(plans):
        alone = in_turn or plan.dataset.kind != "photos"
        recipe = plan.recipe
        groups.setdefault(at if alone else (recipe.data, recipe.batch_size, recipe.seed), []).append(plan)
    return list(groups.values())


def train_side_by_side(
    plans: Sequence[RunPlan], console: Console, pending: Pending, *, resume: bool, quiet: bool
) -> list[Outcome]:
    """What became of each of the plans. Raises LosslangError for what concerns more than one run."""
    outcomes: dict[int, Outcome] = {}
    with ExitStack() as stack:
        for plan in plans:
            stack.enter_context(held(plan.folder))
        shows = stack.enter_context(show_progress(plans, console, quiet=quiet))
        logs = [stack.enter_context(loggers_of(plan)) for plan in plans]

        def tell(at: int, record: dict[str, Any]) -> None:
            shows[at](record)
            logs[at](record)

        train_together(
            plans,
            pending=pending,
            say=lambda line: console.print(line, soft_wrap=True),
            done=outcomes.__setitem__,
            tell=tell,
            resume=resume,
        )
    return [outcomes.get(at) or _interrupted(plan) for at, plan in enumerate(plans)]


def _interrupted(plan: RunPlan) -> Outcome:
    return Outcome(None, f"interrupted; --resume goes on from the checkpoint in {plan.folder}")

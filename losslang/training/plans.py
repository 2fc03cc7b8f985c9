"""The runs of a command line: its options, one plan per method and seed, and whether they can be done here. Torch-free."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from losslang.diagnostics import LosslangError
from losslang.training.folder import check_new, check_resumable
from losslang.training.plan import RunPlan, resolve_run
from losslang.training.record import settings_record
from losslang.training.restart import goes_on
from losslang.training.settings import Setting

__all__ = ["Options", "TrainOptions", "check_folders", "check_plans", "check_shares", "continues", "make_plans"]


class Options(Protocol):
    """The options of the command line."""

    @property
    def recipe(self) -> str:
        """A shipped recipe, or a file."""

    @property
    def data(self) -> str | None:
        """A data set in place of the recipe's."""

    @property
    def seeds(self) -> int:
        """The number of seeds."""

    @property
    def seed(self) -> int | None:
        """The first seed, in place of the recipe's."""

    @property
    def set(self) -> Mapping[str, str]:
        """Settings and parameters by name."""

    @property
    def on_collapse(self) -> str | None:
        """What the collapse alarm does, instead of what the recipe says."""

    @property
    def microbatch(self) -> int | None:
        """Rows that the networks see at a time, in place of the recipe's."""

    @property
    def out(self) -> Path | None:
        """The folder of the run, or of the runs."""

    @property
    def resume(self) -> bool:
        """Go on with runs that exist."""

    @property
    def overwrite(self) -> bool:
        """Replace runs that exist."""

    @property
    def in_turn(self) -> bool:
        """Train one run after the other, also where several could share their batches."""

    @property
    def quiet(self) -> bool:
        """Only the table at the end."""


@dataclass(frozen=True)
class TrainOptions:
    """`Options` with their defaults, for calls from Python."""

    recipe: str = "toy"
    data: str | None = None
    seeds: int = 1
    seed: int | None = None
    set: Mapping[str, str] = dataclasses.field(default_factory=dict)
    on_collapse: str | None = None
    microbatch: int | None = None
    out: Path | None = None
    resume: bool = False
    overwrite: bool = False
    in_turn: bool = False
    quiet: bool = False


def make_plans(specs: Sequence[str], options: Options) -> list[RunPlan]:
    """One plan per method and seed. Raises LosslangError, also where two runs would share a folder."""
    if options.seeds < 1:
        raise LosslangError(f"--seeds {options.seeds}: at least one seed is needed")
    plans: list[RunPlan] = []
    for spec in specs:
        given = {"on_collapse": options.on_collapse, "microbatch": options.microbatch}
        own = {n: Setting(value, f"--{n.replace('_', '-')}") for n, value in given.items() if value is not None}
        first = resolve_run(spec, options.recipe, data=options.data, seed=options.seed, sets={**options.set, **own})
        seeds = range(first.recipe.seed, first.recipe.seed + options.seeds)
        plans += [
            first.with_seed(seed, _folder(first, seed, options, len(specs)), _seeded(first, seed)) for seed in seeds
        ]
    folders = [plan.folder for plan in plans]
    for folder in folders:
        if folders.count(folder) > 1:
            raise LosslangError(f"two of the runs would write to {folder}; train them one by one, with --out")
    return plans


def _seeded(first: RunPlan, seed: int) -> str:
    """Where a seed comes from: the first from where any setting can, those after it from their number."""
    if seed > first.recipe.seed:
        return "--seeds"
    return first.settings["seed"].source if "seed" in first.settings else "default"


def _folder(plan: RunPlan, seed: int, options: Options, methods: int) -> Path:
    """`runs/simsiam-blobs/seed0`; below --out only the parts that tell the runs apart."""
    if options.out is None:
        return plan.folder.parent / f"seed{seed}"
    folder = options.out if methods == 1 else options.out / plan.folder.parent.name
    return folder if options.seeds == 1 else folder / f"seed{seed}"


def check_folders(plans: Sequence[RunPlan], options: Options) -> None:
    """With --resume one of the runs is there at least; those after it may not have begun."""
    there = {plan.folder for plan in plans if continues(plan, options) and plan.folder.exists()}
    if options.resume and not there:
        missing = plans[0].folder
        raise LosslangError(
            f"{missing}: there is no run to go on with; leave out --resume to begin one, or name its --out"
        )
    for plan in plans:
        if plan.folder in there:
            check_resumable(plan.folder, settings_record(plan))
        else:
            check_new(plan.folder, overwrite=options.overwrite)


def continues(plan: RunPlan, options: Options) -> bool:
    """Whether a run is gone on with where its folder is there."""
    return goes_on(plan.folder, resume=options.resume, overwrite=options.overwrite)


def check_plans(specs: Sequence[str], options: Options, processes: int) -> None:
    """Raises LosslangError (also SpecError) before any process begins: what is wrong is said once, not by each of them."""
    check_shares(make_plans(specs, options), processes)


def check_shares(plans: Sequence[RunPlan], processes: int) -> None:
    """Raises LosslangError where so many processes cannot share the batches of every run."""
    if processes < 1:
        raise LosslangError(f"--processes {processes}: at least one is needed")
    for plan in plans:
        if plan.recipe.batch_size < processes:
            raise LosslangError(
                f"--processes {processes}: a batch of {plan.recipe.batch_size} leaves some of them without rows;"
                " take fewer processes or a larger batch (--set batch_size=…)"
            )

"""`losslang train`: methods on a recipe, in this process or in several."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from losslang.commands.arguments import CommandParser
from losslang.diagnostics import LosslangError

__all__ = ["add_options", "run"]


def add_options(parser: CommandParser) -> None:
    """The options of `losslang train`."""
    parser.specs()
    parser.add_argument("--recipe", metavar="R", default="toy", help="how to train: a shipped recipe or a file (toy)")
    parser.add_argument("--data", metavar="D", help="the data set, instead of the recipe's")
    parser.add_argument("--seeds", metavar="N", type=int, default=1, help="number of seeds to train (1)")
    parser.add_argument("--seed", metavar="S", type=int, help="the first seed (0)")
    parser.settings()
    parser.add_argument(
        "--on-collapse",
        choices=["stop", "warn", "ignore"],
        help="what the collapse alarm does (warn; as `on_collapse`)",
    )
    parser.add_argument(
        "--processes",
        metavar="N",
        type=int,
        default=1,
        help="share every batch among N processes (1; docs/processes.md)",
    )
    parser.add_argument(
        "--max-restarts",
        metavar="N",
        type=int,
        default=3,
        help="with --processes: begin again from the last checkpoint so often where a process is lost (3)",
    )
    parser.add_argument(
        "--microbatch", metavar="N", type=int, help="rows that the networks see at a time (all; as `microbatch`)"
    )
    parser.add_argument("--out", metavar="DIR", type=Path, help="the run folder (runs/…)")
    parser.add_argument("--resume", action="store_true", help="go on from the checkpoint in the run folder")
    parser.add_argument("--overwrite", action="store_true", help="replace an existing run folder")
    parser.add_argument(
        "--dry-run", action="store_true", help="say what would happen: settings, sizes, cost; do nothing"
    )
    parser.add_argument(
        "--in-turn", action="store_true", help="one run after the other, also on photos, whose batches runs can share"
    )
    parser.add_argument("--quiet", action="store_true", help="print only the table at the end")


def run(options: Namespace) -> int:
    """Train every method with every seed. Raises LosslangError."""
    _check(options)
    from losslang.training.cli import dry_run, train_main
    from losslang.training.plans import check_plans

    if options.dry_run:
        return dry_run(options.specs, options, options.processes)
    if options.processes == 1:
        return train_main(options.specs, options)
    from losslang.training.launch import launch

    check_plans(options.specs, options, options.processes)
    return launch(options.processes, options.given, options.max_restarts)


def _check(options: Namespace) -> None:
    if options.resume and options.overwrite:
        raise LosslangError(
            "--resume goes on with the run in the folder, and --overwrite removes it and begins anew; give one of them"
        )
    if options.max_restarts < 0:
        raise LosslangError(f"--max-restarts {options.max_restarts}: no less than 0")

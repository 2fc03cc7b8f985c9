"""`losslang ablate`: the verdict on every change of a method, and with `--train` the outcome of training beside it."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from losslang.commands.arguments import CommandParser
from losslang.commands.failures import OK
from losslang.diagnostics import LosslangError

if TYPE_CHECKING:
    from losslang.analysis.ablation.verdicts import Ablation, Row

__all__ = ["add_options", "run"]


def add_options(parser: CommandParser) -> None:
    """The options of `losslang ablate`."""
    parser.add_argument("spec", metavar="SPEC", help="a method file, or the name of a shipped method")
    parser.add_argument("--json", action="store_true", help="print it for tools")
    parser.add_argument(
        "--train", action="store_true", help="train every change, and show the outcome beside the verdict"
    )
    parser.add_argument("--recipe", metavar="R", default="toy", help="how to train (toy)")
    parser.add_argument("--data", metavar="D", help="the data set, instead of the recipe's")
    parser.add_argument("--seeds", metavar="N", type=int, default=1, help="number of seeds to train (1)")
    parser.add_argument("--out", metavar="DIR", type=Path, help="where methods and runs go (runs/NAME-ablation)")
    parser.add_argument("--overwrite", action="store_true", help="replace runs that exist")
    parser.settings()


def run(options: Namespace) -> int:
    """Print the verdict on every change. Raises SpecError, LosslangError."""
    print(_ablated(options))
    return OK


def _ablated(options: Namespace) -> str:
    """The table as text or JSON. Raises SpecError, and LosslangError for settings that do not fit."""
    from losslang import questions

    parameters = _parameters(options.spec, options.set, training=options.train)
    found = questions.ablate(options.spec, parameters=parameters)
    if options.train:
        found = _trained(found, options)
    return found.json() if options.json else found.text()


def _parameters(spec: str, texts: Mapping[str, str], *, training: bool) -> dict[str, int | float]:
    """The settings that are parameters of the method; others are for training."""
    from losslang.pipeline import load
    from losslang.syntax.settings import plain_number

    known = load(spec).parameters
    found: dict[str, int | float] = {}
    for name, text in texts.items():
        number = plain_number(text)
        if name in known and number is not None:
            found[name] = number
        elif name in known or not training:
            raise LosslangError(_unknown(name, text, is_parameter=name in known))
    return found


def _unknown(name: str, text: str, *, is_parameter: bool) -> str:
    if is_parameter:
        return f"--set {name}: `{text}` is not a number"
    return f"--set {name}: the method has no such parameter; settings of training need --train"


# ---------------------------------------------------------------- training


def _trained(found: Ablation, options: Namespace) -> Ablation:
    out: Path = options.out or Path("runs") / f"{found.method}-ablation"
    return replace(found, rows=tuple(replace(row, runs=_runs(row, out, options)) for row in found.rows))


def _runs(row: Row, out: Path, options: Namespace) -> tuple[Mapping[str, Any], ...]:
    """The results of all seeds of one change; its method stands in `out` beside its runs."""
    from losslang.commands.files import write
    from losslang.training.folder import check_new
    from losslang.training.loop import NotFinite, train
    from losslang.training.plans import TrainOptions, make_plans

    out.mkdir(parents=True, exist_ok=True)
    file = out / f"{row.short}.yaml"
    write(file, row.text)
    asked = TrainOptions(options.recipe, options.data, options.seeds, set=options.set, out=out / row.short)
    results: list[Mapping[str, Any]] = []
    for plan in make_plans([str(file)], asked):
        check_new(plan.folder, overwrite=options.overwrite)
        try:
            results.append(train(plan))
        except NotFinite:
            results.append({"seed": plan.recipe.seed, "data": plan.dataset.name, "collapsed": "not finite"})
    return tuple(results)

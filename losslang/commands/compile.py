"""`losslang compile`: a method as one torch module, or as a stage of the compiler prints it."""

from __future__ import annotations

import re
from argparse import Namespace
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from losslang.commands.arguments import CommandParser
from losslang.commands.failures import OK
from losslang.diagnostics import LosslangError

if TYPE_CHECKING:
    from losslang.objective.spec import Spec

__all__ = ["add_options", "run"]


def add_options(parser: CommandParser) -> None:
    """The options of `losslang compile`."""
    parser.add_argument("spec", metavar="SPEC", help="a method file")
    parser.add_argument("-o", metavar="FILE", dest="out", type=Path, help="where to write the torch module")
    parser.add_argument("--force", action="store_true", help="with -o: replace a file that losslang has not written")
    parser.add_argument("--show", choices=[*_STAGES], help="print what the compiler has after this stage")
    parser.add_argument(
        "--without", metavar="PASS", action="append", default=[], help="leave out a pass of the optimiser (repeatable)"
    )
    parser.estimates()
    parser.parameters()


def run(options: Namespace) -> int:
    """Print a stage, print or write the module. Raises SpecError, LosslangError, OSError."""
    if options.without and options.show in _BEFORE_PASSES and not options.out:
        raise LosslangError(f"--show {options.show} comes before the passes; --without goes with optimised or python")
    if options.show:
        print(_STAGES[options.show](options).rstrip("\n"))
    if options.out:
        from losslang.commands.files import write

        if not options.force:
            _check_ours(options.out)
        write(options.out, _python(options))
    elif not options.show:
        print(_python(options), end="")
    return OK


def _check_ours(path: Path) -> None:
    """Raises LosslangError where the file is there, and does not say that losslang wrote it."""
    if path.is_file() and not _WRITTEN.search(path.read_bytes()[:HEAD]):
        raise LosslangError(
            f"{path} exists, and losslang has not written it; choose another name, or replace it with --force"
        )


HEAD = 4096
"""Bytes of a module in which its header is looked for."""
_WRITTEN = re.compile(rb"^Written by losslang \S+ from .*, hash [0-9a-f]+\.", re.MULTILINE)

# ---------------------------------------------------------------- the stages, as text


def _tree(options: Namespace) -> str:
    from losslang.diagnostics import Report
    from losslang.objective.bases import find_method
    from losslang.syntax.format import format_text
    from losslang.syntax.load import load_source

    report = Report()
    source = load_source(find_method(options.spec), report)
    report.raise_errors()
    assert source is not None
    return format_text(source, "loss")


def _graph(options: Namespace) -> str:
    from losslang.objective.show import show_graph

    return show_graph(_spec(options))


def _canonical(options: Namespace) -> str:
    from losslang.algebra.canonical import canonical
    from losslang.algebra.show import show_canonical

    return show_canonical(canonical(_spec(options)))


def _optimised(options: Namespace) -> str:
    from losslang.algebra.estimates import estimate_of, estimated
    from losslang.algebra.optimise import optimise
    from losslang.objective.show import show_graph

    chosen = estimate_of(options.estimate)
    spec = estimated(_spec(options), chosen)
    found = optimise(spec.graph, options.without)
    head = "" if chosen.is_exact else f"# by random probes: {chosen.words()}\n"
    return head + show_graph(replace(spec, graph=found.graph), found.made_by)


def _python(options: Namespace) -> str:
    from losslang.pipeline import emit

    return emit(options.spec, parameters=options.set, without=options.without, estimate=options.estimate)


def _spec(options: Namespace) -> Spec:
    from losslang.pipeline import load

    return load(options.spec, parameters=options.set)


_STAGES: dict[str, Callable[[Namespace], str]] = {
    "tree": _tree,
    "graph": _graph,
    "canonical": _canonical,
    "optimised": _optimised,
    "python": _python,
}
"""What the compiler has, in order."""

_BEFORE_PASSES = ("tree", "graph", "canonical")

"""`losslang fmt`: method files laid out, and which file a layout is written to."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from losslang.commands.arguments import CommandParser
from losslang.commands.failures import OK, WRONG
from losslang.commands.files import write
from losslang.diagnostics import Diagnostic, LosslangError, Report, SpecError
from losslang.objective.bases import find_method

if TYPE_CHECKING:
    from losslang.syntax.format import Spelling

__all__ = ["add_options", "run"]


def add_options(parser: CommandParser) -> None:
    """The options of `losslang fmt`."""
    parser.specs()
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--check", action="store_true", help="write nothing; exit 1 if a layout would change")
    where.add_argument("--stdout", action="store_true", help="print instead of writing")
    parser.add_argument("--to", choices=["yaml", "loss"], help="convert: writes the sibling file of that spelling")


def run(options: Namespace) -> int:
    """Format every file. Raises SpecError for those that do not read, after the others are done; OSError."""
    changed = False
    wrong: list[Diagnostic] = []
    for spec in options.specs:
        try:
            changed |= _format_file(spec, options)
        except SpecError as error:  # the other files are formatted all the same
            wrong += error.diagnostics
    if wrong:
        raise SpecError(wrong)
    return WRONG if options.check and changed else OK


def _format_file(spec: str, options: Namespace) -> bool:
    """Format or convert one file; whether that changed (with `--check`, would change) anything. One that ships is printed.

    Raises SpecError for a file that does not read, LosslangError where a conversion would replace another file.
    """
    path, ships = find_method(spec), find_method(spec) != Path(spec)
    if ships and not (options.stdout or options.to):
        raise LosslangError(f"`{spec}` ships, and is only read; print it with --stdout, or --to yaml or loss")
    target = _target(path, options.to)
    before, after = _texts(path, options.to)
    if options.stdout or ships:
        print(after, end="")
        return False
    if target == path and before == after:
        return False
    if options.check:
        print(f"{target} would change" if target == path else f"{target} would be written")
        return True
    if target != path and target.exists():
        raise LosslangError(f"{target} exists already; remove it, or print with --stdout")
    write(target, after)
    print(f"{target} written")
    return True


def _target(path: Path, to: str | None) -> Path:
    """The file itself, or its sibling in the other spelling."""
    from losslang.syntax.read import SUFFIXES

    return path if to in {None, SUFFIXES.get(path.suffix.lower())} else path.with_suffix(f".{to}")


def _texts(spec: Path, to: Spelling | None) -> tuple[str, str]:
    """The text of a method file, and the same method in canonical layout."""
    from losslang.syntax.format import format_text
    from losslang.syntax.load import load_source

    report = Report()
    source = load_source(spec, report)
    report.raise_errors()
    assert source is not None
    return source.text, format_text(source, to=to)

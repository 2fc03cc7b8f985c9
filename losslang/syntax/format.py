"""`losslang fmt`: reads a method, writes it canonically, and reads again what it wrote."""

from __future__ import annotations

from pathlib import PurePath
from typing import Literal

from losslang.diagnostics import Report, Source, Span
from losslang.syntax.read import MAX_CHARACTERS, read_method, spelling_of
from losslang.syntax.tree import Method

__all__ = ["InternalError", "Spelling", "format_text", "write_method"]

Spelling = Literal["yaml", "loss"]


class InternalError(Exception):
    """A mistake of losslang itself, never of the file; says so and asks for a report."""

    def __init__(self, what: str) -> None:
        super().__init__(f"{what}. This is a mistake of losslang, not of your file: please report it with the file.")


def format_text(source: Source, to: Spelling | None = None) -> str:
    """The canonical text of a source, in its own spelling or the other.

    Raises SpecError if the source has errors (or would grow too long), and InternalError if what was written does not
    read the same.
    """
    report = Report()
    method = read_method(source, report)
    report.raise_errors()
    spelling = to or spelling_of(source)
    if method is None or spelling is None:
        raise InternalError(f"{source.name} was neither read nor refused")
    text = write_method(method, "loss" if spelling == "loss" else "yaml")
    if len(text) > MAX_CHARACTERS:
        message = f"formatted, the file has {len(text):,} characters; at most {MAX_CHARACTERS:,} are read"
        report.add("E502", message, Span(source, 0, 0))
        report.raise_errors()
    again = Report()
    name = PurePath(source.name).with_suffix("." + spelling)
    copy = read_method(Source(str(name), text), again)
    if again.has_errors:
        raise InternalError(f"The formatted text of {source.name} cannot be read: {again.sorted()[0].message}")
    if copy != method:
        raise InternalError(f"The formatted text of {source.name} reads differently")
    return text


def write_method(method: Method, spelling: Spelling) -> str:
    """The canonical text of a method, unchecked."""
    if spelling == "loss":
        from losslang.syntax.write_loss import write_loss

        return write_loss(method)
    from losslang.syntax.write_yaml import write_yaml

    return write_yaml(method)

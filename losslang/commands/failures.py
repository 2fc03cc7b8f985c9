"""Exit status, and what a user is told where a command fails. Never a traceback."""

from __future__ import annotations

import os
import sys

from losslang.diagnostics import LosslangError, SpecError

__all__ = ["BROKEN_PIPE", "INTERNAL", "INTERRUPTED", "OK", "USAGE", "WRONG", "tell"]

OK, WRONG, USAGE, INTERNAL, INTERRUPTED, BROKEN_PIPE = 0, 1, 2, 70, 130, 141
"""Done and clean; a method, file or setting is wrong; the command line is wrong; an error of ours; a signal; `| head`."""


def tell(error: Exception) -> int:
    """Print what went wrong, and give the exit status for it."""
    if isinstance(error, SpecError):
        from losslang.diagnostics.render import render_text, wants_color

        print(render_text(error.diagnostics, color=wants_color(sys.stderr)), end="", file=sys.stderr)
        return WRONG
    if isinstance(error, LosslangError):
        print(f"losslang: {error}", file=sys.stderr)
        return WRONG
    if isinstance(error, OSError) and error.filename is not None:
        reason = "is a file, and a folder is needed" if isinstance(error, FileExistsError) else error.strerror
        print(f"losslang: {error.filename}: {reason}", file=sys.stderr)
        return WRONG
    if os.environ.get("LOSSLANG_DEBUG") == "1":
        import traceback

        traceback.print_exception(error)
    print(
        f"losslang: internal error: {type(error).__name__}: {error}\n"
        "This is a mistake in losslang, not in your files; please report it"
        " (LOSSLANG_DEBUG=1 shows where it happened).",
        file=sys.stderr,
    )
    return INTERNAL

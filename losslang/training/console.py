"""Where commands that train print: a terminal, or a log."""

from __future__ import annotations

from typing import NoReturn

from rich.console import Console

__all__ = ["make_console"]

_WIDTH = 140
"""Columns of a log, which nobody wraps."""


class _Console(Console):
    def on_broken_pipe(self) -> NoReturn:
        """`losslang … | head`: as every command does where nobody reads on; rich would end with status 1."""
        raise BrokenPipeError


def make_console(*, quiet: bool = False, markup: bool = True) -> Console:
    """A console on standard output; what it prints raises BrokenPipeError where nobody reads on."""
    console = _Console(highlight=False, quiet=quiet, markup=markup)
    if not console.is_terminal:
        console.width = _WIDTH
    return console

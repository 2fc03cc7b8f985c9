"""Colours of a terminal, by what they mark. Plain ANSI: rich would cost a fifth of the start-up budget."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["PLAIN", "Paint"]


@dataclass(frozen=True)
class Paint:
    """Wraps pieces of a message in the colours of their part; `PLAIN` leaves them as they are."""

    on: bool = True

    def error(self, text: str) -> str:
        """The kind and code of an error, and its carets."""
        return self._wrap("1;31", text)

    def warning(self, text: str) -> str:
        """The kind and code of a warning."""
        return self._wrap("1;33", text)

    def message(self, text: str) -> str:
        """What is wrong."""
        return self._wrap("1", text)

    def place(self, text: str) -> str:
        """A file, line and column."""
        return self._wrap("1", text)

    def gutter(self, text: str) -> str:
        """Line numbers and the bar beside a snippet."""
        return self._wrap("2", text)

    def carets(self, text: str) -> str:
        """Carets and the words beside them."""
        return self._wrap("36", text)

    def help(self, text: str) -> str:
        """The word `help`."""
        return self._wrap("1;32", text)

    def _wrap(self, code: str, text: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self.on and text else text


PLAIN = Paint(on=False)

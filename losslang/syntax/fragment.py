"""A piece of text that knows where each of its characters stands in the source."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from losslang.diagnostics import Source, Span

__all__ = ["Fragment"]


@dataclass(frozen=True)
class Fragment:
    """A text cut from a source, such as the value of a YAML entry.

    A contiguous cut starts at `start`. Where characters were left out between (escapes in quotes, the indentation of
    a block), `offsets` holds the place of each character, and of the end.
    """

    source: Source
    text: str
    start: int = 0
    offsets: Sequence[int] | None = None

    @classmethod
    def whole(cls, source: Source) -> Fragment:
        """All of a source."""
        return cls(source, source.text)

    @classmethod
    def cut(cls, source: Source, start: int, end: int) -> Fragment:
        """The characters `start` to `end` of a source."""
        return cls(source, source.text[start:end], start)

    def offset(self, at: int) -> int:
        """Where character `at` of the text (or its end) stands in the source."""
        return self.start + at if self.offsets is None else self.offsets[at]

    def span(self, start: int = 0, end: int | None = None) -> Span:
        """The span in the source of the characters `start` to `end` of the text."""
        end = len(self.text) if end is None else end
        if end <= start:
            return Span(self.source, self.offset(start), self.offset(start))
        return Span(self.source, self.offset(start), self.offset(end - 1) + 1)

    def part(self, start: int, end: int) -> Fragment:
        """The characters `start` to `end` as a fragment of their own."""
        if self.offsets is None:
            return Fragment(self.source, self.text[start:end], self.start + start)
        return Fragment(self.source, self.text[start:end], self.offset(start), self.offsets[start : end + 1])

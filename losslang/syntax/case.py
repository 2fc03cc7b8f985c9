"""What the rules about mistakes look at: a token that does not fit, and what is open around it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from losslang.diagnostics import Report, Span
from losslang.syntax.tokens import CLOSING, OPENING, Token

__all__ = ["VALUE_ENDS", "Case", "Level", "case_at"]

VALUE_ENDS: Final = frozenset({"NAME", "NUMBER", "TEXT", "LONGTEXT", "TRUTH", "RPAR", "RSQB"})


@dataclass(frozen=True)
class Level:
    """An open bracket: what it is for, and the types of the tokens directly in it so far."""

    kind: str  # call, group, index or list; "" outside all brackets
    opening: Token | None
    tokens: list[Token]

    @property
    def types(self) -> list[str]:
        """Types of the tokens directly in it."""
        return [token.type for token in self.tokens]


@dataclass(frozen=True)
class Case:
    """The token that does not fit (None at the end), the one before it, and the brackets open there."""

    tokens: Sequence[Token]
    at: int
    levels: tuple[Level, ...]
    report: Report

    @property
    def token(self) -> Token | None:
        """What was seen."""
        return self.tokens[self.at] if self.at < len(self.tokens) else None

    @property
    def before(self) -> Token | None:
        """What stands before it."""
        return self.tokens[self.at - 1] if self.at else None

    @property
    def following(self) -> Token | None:
        """What stands behind it."""
        return self.tokens[self.at + 1] if self.at + 1 < len(self.tokens) else None

    @property
    def types_behind(self) -> list[str]:
        """The types of what stands behind it."""
        return [token.type for token in self.tokens[self.at + 1 :]]

    @property
    def level(self) -> Level:
        """The innermost open bracket."""
        return self.levels[-1]

    @property
    def after_value(self) -> bool:
        """Whether a value is complete before the token."""
        return self.before is not None and self.before.type in VALUE_ENDS

    def says(self, code: str, message: str, span: Span | None = None, *, remedy: str = "", label: str = "") -> bool:
        """Reports, by default at the token."""
        seen = self.token or self.tokens[-1]
        self.report.add(code, message, span or seen.span, help=remedy, label=label)
        return True


def case_at(tokens: Sequence[Token], at: int, report: Report) -> Case:
    """The case of token `at` (or the end) not fitting after those before it."""
    return Case(tokens, at, _levels(tokens[:at]), report)


def _levels(tokens: Sequence[Token]) -> tuple[Level, ...]:
    levels = [Level("", None, [])]
    before: Token | None = None
    for token in tokens:
        levels[-1].tokens.append(token)
        if token.type in OPENING:
            ended = before is not None and before.type in VALUE_ENDS
            kind = {"LPAR": "call" if ended else "group", "LSQB": "index" if ended else "list"}[token.type]
            levels.append(Level(kind, token, []))
        elif token.type in CLOSING and len(levels) > 1:
            levels.pop()
        before = token
    return tuple(levels)

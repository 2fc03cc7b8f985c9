"""What the parser does at each rule of the grammar: tokens -> nodes of the tree."""

from __future__ import annotations

from dataclasses import replace

from lark import Transformer, v_args

from losslang.diagnostics import Span
from losslang.syntax.texts import plain_text
from losslang.syntax.tokens import Token
from losslang.syntax.tree import (
    Binary,
    Call,
    DefinitionParameter,
    Expression,
    Index,
    Items,
    Keyword,
    Loop,
    Name,
    Number,
    Text,
    Unary,
)

__all__ = ["Builder", "name_of"]


def name_of(token: Token) -> Name:
    """`batch'` as a name with one prime."""
    bare = token.text.rstrip("'")
    return Name(bare, len(token.text) - len(bare), token.span)


def _value_of(text: str) -> int | float:
    return int(text) if text.isdigit() else float(text)


@v_args(inline=True)
class Builder(Transformer[Token, Expression]):
    """One method per rule; the span of a node reaches from its first token to its last, brackets included."""

    def number(self, token: Token) -> Number:  # noqa: D102
        return Number(_value_of(token.text), token.text, token.span)

    def name(self, token: Token) -> Name:  # noqa: D102
        return name_of(token)

    def text(self, token: Token) -> Text:  # noqa: D102
        return Text(plain_text(token.text), token.span)

    def unary(self, operator: Token, operand: Expression) -> Unary:  # noqa: D102
        return Unary(operator.text, operand, operator.span.to(operand.span))

    def binary(self, left: Expression, operator: Token, right: Expression) -> Binary:  # noqa: D102
        return Binary(operator.text, left, right, _between(left, right.span.end))

    def group(self, opening: Token, inner: Expression, closing: Token) -> Expression:  # noqa: D102
        return replace(inner, span=Span(opening.source, opening.start, closing.end))

    def listing(self, opening: Token, items: tuple[Expression, ...] | None, closing: Token) -> Items:  # noqa: D102
        return Items(items or (), Span(opening.source, opening.start, closing.end))

    def index(self, value: Expression, _opening: Token, index: Expression, closing: Token) -> Index:  # noqa: D102
        return Index(value, index, _between(value, closing.end))

    def call(  # noqa: D102
        self, name: Token, _opening: Token, arguments: tuple[Expression | Keyword, ...] | None, closing: Token
    ) -> Call:
        given = arguments or ()
        return Call(
            name.text,
            tuple(argument for argument in given if not isinstance(argument, Keyword)),
            tuple(argument for argument in given if isinstance(argument, Keyword)),
            function_span=name.span,
            span=Span(name.source, name.start, closing.end),
        )

    def loop_call(  # noqa: D102
        self,
        name: Token,
        _opening: Token,
        body: Expression,
        loops: tuple[Loop, ...],
        condition: Expression | None,
        closing: Token,
    ) -> Call:
        span = Span(name.source, name.start, closing.end)
        return Call(name.text, (body,), (), loops, condition, name.span, span)

    def items(self, *children: Expression | Token) -> tuple[Expression, ...]:  # noqa: D102
        return tuple(child for child in children if not isinstance(child, Token))

    def arguments(self, *children: Expression | Keyword | Token) -> tuple[Expression | Keyword, ...]:  # noqa: D102
        return tuple(child for child in children if not isinstance(child, Token))

    def keyword(self, name: Token, _equal: Token, value: Expression) -> Keyword:  # noqa: D102
        return Keyword(name.text, value, _reaching(name, value))

    def loops(self, *loops: Loop) -> tuple[Loop, ...]:  # noqa: D102
        return loops

    def loop(self, _for: Token, name: Token, _in: Token, domain: Expression) -> Loop:  # noqa: D102
        return Loop(name.text, domain, name.span)

    def condition(self, _if: Token, condition: Expression) -> Expression:  # noqa: D102
        return condition

    def parameters(self, *children: DefinitionParameter | Token | None) -> tuple[DefinitionParameter, ...]:  # noqa: D102
        return tuple(child for child in children if isinstance(child, DefinitionParameter))

    def parameter(  # noqa: D102
        self,
        name: Token,
        _colon: Token | None,
        _opening: Token | None,
        axes: tuple[Name, ...] | None,
        closing: Token | None,
        _equal: Token | None,
        default: Expression | None,
    ) -> DefinitionParameter:
        end = default.span.end if default is not None else (closing or name).end
        return DefinitionParameter(name.text, axes, default, Span(name.source, name.start, end))

    def axes(self, *tokens: Token) -> tuple[Name, ...]:  # noqa: D102
        return tuple(name_of(token) for token in tokens if token.type == "NAME")


def _between(first: Expression, end: int) -> Span:
    return Span(first.span.source, first.span.start, end)


def _reaching(first: Token, last: Expression) -> Span:
    return Span(first.source, first.start, last.span.end)

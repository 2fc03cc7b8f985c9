"""The mathematics of an expression as a small tree, from which both renderings, Unicode and LaTeX, are written."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TypeAlias

__all__ = [
    "Apply",
    "Big",
    "Fence",
    "Formula",
    "Group",
    "Hat",
    "Integral",
    "Numeral",
    "Phrase",
    "Power",
    "Prefix",
    "Product",
    "Quotient",
    "Relation",
    "Root",
    "Scripted",
    "Sum",
    "Symbol",
    "added",
    "negated",
    "product",
    "quotient",
    "scripted",
]


@dataclass(frozen=True)
class Symbol:
    """A name: a letter, a Greek letter by its name (`lambda`), or a word set upright."""

    name: str


@dataclass(frozen=True)
class Numeral:
    """A number as spelled in the method."""

    text: str


@dataclass(frozen=True)
class Scripted:
    """A value with indices below and views above: z with i and a."""

    base: Formula
    below: tuple[Formula, ...] = ()
    above: tuple[Formula, ...] = ()


@dataclass(frozen=True)
class Hat:
    """A value of unit length."""

    base: Symbol


@dataclass(frozen=True)
class Sum:
    """Summands, each with whether it is subtracted."""

    parts: tuple[tuple[bool, Formula], ...]


@dataclass(frozen=True)
class Product:
    """Factors side by side."""

    factors: tuple[Formula, ...]


@dataclass(frozen=True)
class Quotient:
    """A fraction."""

    top: Formula
    bottom: Formula


@dataclass(frozen=True)
class Power:
    """A power."""

    base: Formula
    exponent: Formula


@dataclass(frozen=True)
class Root:
    """A square root."""

    body: Formula


@dataclass(frozen=True)
class Prefix:
    """A function written before its argument, with brackets only where they are needed: log det x."""

    function: str
    body: Formula
    below: tuple[Formula, ...] = ()
    above: tuple[Formula, ...] = ()


@dataclass(frozen=True)
class Apply:
    """A function of arguments in brackets."""

    function: str
    arguments: tuple[Formula, ...]
    below: tuple[Formula, ...] = ()
    above: tuple[Formula, ...] = ()


@dataclass(frozen=True)
class Fence:
    """Something between signs that belong together: a norm, an absolute value, a scalar product, a hinge."""

    kind: str
    items: tuple[Formula, ...]


@dataclass(frozen=True)
class Big:
    """A sum, mean or maximum over the indices below its sign."""

    kind: str
    below: tuple[Formula, ...]
    body: Formula


@dataclass(frozen=True)
class Integral:
    """An integral over a variable."""

    body: Formula
    variable: Formula


@dataclass(frozen=True)
class Relation:
    """Two sides of an equation, an update, a comparison or a membership."""

    sign: str
    left: Formula
    right: Formula


@dataclass(frozen=True)
class Group:
    """Several indices as one: (v, i)."""

    items: tuple[Formula, ...]


@dataclass(frozen=True)
class Phrase:
    """Words with formulas between them."""

    parts: tuple[str | Formula, ...]


Formula: TypeAlias = (
    Symbol
    | Numeral
    | Scripted
    | Hat
    | Sum
    | Product
    | Quotient
    | Power
    | Root
    | Prefix
    | Apply
    | Fence
    | Big
    | Integral
    | Relation
    | Group
    | Phrase
)


# ---------------------------------------------------------------- putting together, with signs in front and no nesting


def negated(formula: Formula) -> Formula:
    """Minus a formula; two signs cancel where there is one summand."""
    if isinstance(formula, Sum) and len(formula.parts) == 1:
        ((negative, part),) = formula.parts
        return Sum(((True, part),)) if not negative else part
    return Sum(((True, formula),))


def added(left: Formula, right: Formula, *, minus: bool = False) -> Formula:
    """The sum or difference of two formulas."""
    first = left.parts if isinstance(left, Sum) else ((False, left),)
    if isinstance(right, Sum) and (not minus or len(right.parts) == 1):
        return Sum((*first, *((negative != minus, part) for negative, part in right.parts)))
    return Sum((*first, (minus, right)))


def _split_sign(formula: Formula) -> tuple[bool, Formula]:
    if isinstance(formula, Sum) and len(formula.parts) == 1:
        return formula.parts[0]
    return False, formula


def _signed(formula: Formula, *, negative: bool) -> Formula:
    return negated(formula) if negative else formula


def product(left: Formula, right: Formula) -> Formula:
    """The product of two formulas; a sign of either stands in front."""
    minus_left, left = _split_sign(left)
    minus_right, right = _split_sign(right)
    first = left.factors if isinstance(left, Product) else (left,)
    second = right.factors if isinstance(right, Product) else (right,)
    return _signed(Product((*first, *second)), negative=minus_left != minus_right)


def quotient(top: Formula, bottom: Formula) -> Formula:
    """The quotient of two formulas; a sign of the first stands in front, a sum behind: 1/n Σ x."""
    minus, top = _split_sign(top)
    factors = top.factors if isinstance(top, Product) else (top,)
    if isinstance(factors[-1], Big):
        front = Product(factors[:-1]) if len(factors) > 2 else factors[0] if len(factors) == 2 else Numeral("1")
        return _signed(Product((Quotient(front, bottom), factors[-1])), negative=minus)
    return _signed(Quotient(top, bottom), negative=minus)


def scripted(base: Formula, below: Iterable[Formula] = (), above: Iterable[Formula] = ()) -> Formula:
    """A formula with indices added."""
    below, above = tuple(below), tuple(above)
    if not below and not above:
        return base
    if isinstance(base, Scripted):
        return replace(base, below=(*base.below, *below), above=(*base.above, *above))
    return Scripted(base, below, above)

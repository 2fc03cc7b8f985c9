"""What the two ways of writing a formula share: which form needs brackets where, and where lines may break."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable

from losslang.analysis.explain.notation.formula import (
    Apply,
    Big,
    Fence,
    Formula,
    Group,
    Hat,
    Integral,
    Numeral,
    Phrase,
    Power,
    Prefix,
    Product,
    Quotient,
    Relation,
    Root,
    Scripted,
    Sum,
    Symbol,
)
from losslang.analysis.explain.notation.glyphs import FENCES, GREEK, SIGNS
from losslang.analysis.explain.notation.lines import BREAK

__all__ = ["ATOM", "PREFIX", "PRODUCT", "RELATION", "SUM", "Writer", "is_open", "level"]

# How tightly each form binds; what binds less tightly than its place needs stands in brackets.
RELATION, SUM, PRODUCT, PREFIX, POWER, ATOM = range(6)

_LEVELS: dict[type, int] = {
    Relation: RELATION,
    Phrase: RELATION,
    Sum: SUM,
    Product: PRODUCT,
    Quotient: PRODUCT,
    Big: PRODUCT,
    Integral: PREFIX,
    Prefix: PREFIX,
    Power: POWER,
}

_HADAMARD, _TOP = Symbol("hadamard"), Symbol("top")


def level(formula: Formula) -> int:
    """How tightly a formula binds."""
    if isinstance(formula, Relation) and formula.sign == "union":
        return SUM
    return _LEVELS.get(type(formula), ATOM)


def is_open(formula: Formula) -> bool:
    """Whether what follows a formula would be read as belonging to it: Σ x y is a sum of products."""
    match formula:
        case Big():
            return True
        case Prefix():
            return level(formula.body) >= PREFIX or isinstance(formula.body, Big)
        case Product():
            return is_open(formula.factors[-1])
        case _:
            return False


class Writer(ABC):
    """Writes formulas in one of the two forms."""

    def write(self, formula: Formula, need: int = RELATION) -> str:
        """The formula, in brackets where it binds less tightly than its place needs."""
        text = self._form(formula)
        return text if level(formula) >= need else self.brackets(text)

    def _form(self, formula: Formula) -> str:
        match formula:
            case Symbol():
                return self.symbol(formula.name)
            case Numeral():
                return self.numeral(formula.text)
            case Scripted():
                return self.scripted(formula)
            case Hat():
                return self.hat(formula.base)
            case Sum():
                return self._sum(formula)
            case Product():
                return self._product(formula)
            case Quotient():
                return self.quotient(formula)
            case Power():
                return self.power(self._base(formula.base), formula.exponent)
            case Root():
                return self.root(formula.body)
            case _:
                return self._function(formula)

    def _function(self, formula: Formula) -> str:
        match formula:
            case Prefix():
                return self._prefix(formula)
            case Apply():
                name = self.function(formula.function) + self.scripts(formula.below, formula.above)
                return name + self.brackets(self.listed(formula.arguments))
            case Fence():
                return self.fence(formula.kind, self.listed(formula.items))
            case Big():
                return self.big(formula.kind, formula.below) + " " + self._body(formula.body)
            case Integral():
                return self.integral(self.write(formula.body, PRODUCT), self.write(formula.variable))
            case Relation():
                return f"{self.write(formula.left)} {self.sign(formula.sign)} {self.write(formula.right, SUM)}"
            case Group():
                return self.brackets(self.listed(formula.items))
            case Phrase():
                return "".join(self.words(p) if isinstance(p, str) else self.write(p) for p in formula.parts)
            case _:
                raise TypeError(type(formula))

    # ------------------------------------------------------------ forms that both ways share

    def listed(self, items: Iterable[Formula]) -> str:
        """Formulas with commas between them."""
        return ", ".join(self.write(item) for item in items)

    def scripted(self, formula: Scripted) -> str:
        """A value with its indices."""
        return self.write(formula.base, ATOM) + self.scripts(formula.below, formula.above)

    def _sum(self, formula: Sum) -> str:
        (negative, first), *rest = formula.parts
        text = (self.minus if negative else "") + self.write(first, PRODUCT)
        for negative, part in rest:
            text += f" {BREAK}{self.minus if negative else '+'} {self.write(part, PRODUCT)}"
        return text

    def _product(self, formula: Product) -> str:
        *others, last = formula.factors
        parts = [self._factor(factor) for factor in others] + [self.write(last, PRODUCT)]
        text = parts[0]
        for left, right, part in zip(formula.factors, formula.factors[1:], parts[1:], strict=False):
            text += (self.times if self.touches(left, right) else " ") + part
        return text

    def _factor(self, factor: Formula) -> str:
        """A factor that another one follows."""
        text = self.write(factor, PRODUCT)
        return self.brackets(text) if self.needs_end(factor) and level(factor) >= PRODUCT else text

    def needs_end(self, factor: Formula) -> bool:
        """Whether a factor must be closed by brackets before the next."""
        return is_open(factor)

    def touches(self, left: Formula, right: Formula) -> bool:
        """Whether two factors need a sign between them: words, numbers after anything."""
        if _HADAMARD in {left, right} or (isinstance(right, Power) and right.exponent == _TOP):
            return False
        return is_word(left) or is_word(right) or isinstance(right, Numeral)

    def _base(self, base: Formula) -> str:
        """What is raised to a power: with a view above it needs brackets."""
        text = self.write(base, ATOM)
        return self.brackets(text) if isinstance(base, Scripted) and base.above else text

    def _prefix(self, formula: Prefix) -> str:
        name = self.function(formula.function) + self.scripts(formula.below, formula.above)
        if level(formula.body) >= POWER or isinstance(formula.body, Big | Prefix):
            return f"{name} {self.write(formula.body)}"
        return name + self.brackets(self.write(formula.body))

    def _body(self, body: Formula) -> str:
        """What a sum or mean ranges over."""
        if level(body) >= PRODUCT:
            return self.write(body)
        return self.fence("bracket", self.write(body))

    def brackets(self, text: str) -> str:
        """Round brackets around a text."""
        return self.enclose("(", text, ")")

    # ------------------------------------------------------------ forms of each way

    minus: str
    times: str

    @abstractmethod
    def symbol(self, name: str) -> str:
        """A name."""

    @abstractmethod
    def numeral(self, text: str) -> str:
        """A number."""

    @abstractmethod
    def words(self, text: str) -> str:
        """Words between formulas."""

    @abstractmethod
    def scripts(self, below: tuple[Formula, ...], above: tuple[Formula, ...]) -> str:
        """Indices, to be put behind their base."""

    @abstractmethod
    def hat(self, base: Symbol) -> str:
        """A value of unit length."""

    @abstractmethod
    def quotient(self, formula: Quotient) -> str:
        """A fraction."""

    @abstractmethod
    def power(self, base: str, exponent: Formula) -> str:
        """A power of a base that is ready."""

    @abstractmethod
    def root(self, body: Formula) -> str:
        """A square root."""

    @abstractmethod
    def function(self, name: str) -> str:
        """The name of a function."""

    def fence(self, kind: str, text: str) -> str:
        """A text between the signs of a kind, in Unicode."""
        left, right = FENCES[kind][0]
        return self.enclose(left, text, right)

    @abstractmethod
    def enclose(self, left: str, text: str, right: str) -> str:
        """A text between two brackets, which mark depth for the breaking of lines."""

    @abstractmethod
    def big(self, kind: str, below: tuple[Formula, ...]) -> str:
        """The sign of a sum or mean with what it ranges over."""

    @abstractmethod
    def integral(self, body: str, variable: str) -> str:
        """An integral."""

    @abstractmethod
    def sign(self, name: str) -> str:
        """The sign of a relation."""


def is_word(formula: Formula) -> bool:
    """Whether a formula is set as a word, so that a product needs a sign: width · z."""
    match formula:
        case Symbol():
            return len(formula.name) > 1 and formula.name not in SIGNS and not _is_letter(formula.name)
        case Scripted():
            return is_word(formula.base)
        case Hat():
            return is_word(formula.base)
        case Power():
            return is_word(formula.base)
        case Apply():
            return not formula.below
        case _:
            return False


def _is_letter(name: str) -> bool:
    head, _, index = name.partition("_")
    return (head in GREEK or len(head) == 1) and len(index) <= 1

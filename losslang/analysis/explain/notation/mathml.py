"""Formulas in MathML Core, which browsers set themselves: no script and no font is needed to show them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from html import escape

from losslang.analysis.explain.notation.formula import Formula, Hat, Numeral, Quotient, Scripted, Sum, Symbol
from losslang.analysis.explain.notation.glyphs import BIG, FUNCTIONS, GREEK, PREFIXES, RELATIONS, SIGNS
from losslang.analysis.explain.notation.lines import BREAK, CLOSE, OPEN, broken, plain
from losslang.analysis.explain.notation.unicode import split_name
from losslang.analysis.explain.notation.writer import ATOM, PRODUCT, Writer

__all__ = ["mathml", "mathml_block"]

_LONG = 60  # visible characters on a line
_POWER_OF_TEN = re.compile(r"(?P<digits>[\d.]+)[eE](?P<power>[+-]?\d+)$")
_EMPTY = "<mrow></mrow>"


def mathml(formula: Formula) -> str:
    """A formula in a line of text."""
    return f"<math>{_row(plain(_WRITER.write(formula)))}</math>"


def mathml_block(equations: Sequence[tuple[Formula, str, Formula]]) -> str:
    """Equations (left, sign, right) under each other, aligned at their signs; long ones on several lines."""
    rows = "".join(row for left, sign, right in equations for row in _rows(left, sign, right))
    return f'<math display="block"><mtable displaystyle="true">{rows}</mtable></math>'


def _rows(left: Formula, sign: str, right: Formula) -> Iterable[str]:
    head = plain(_WRITER.write(left))
    for number, (depth, line) in enumerate(broken(_WRITER.write(right), _LONG - _visible(head), _visible)):
        cells = (head, _WRITER.sign(sign)) if number == 0 else ("", "")
        indent = f'<mspace width="{2 * depth}em"></mspace>' if depth else ""
        first, second = (f"<mtd>{_row(cell)}</mtd>" for cell in cells)
        yield f"<mtr>{first}{second}<mtd>{_row(indent + line)}</mtd></mtr>"


def _visible(text: str) -> int:
    return len(re.sub(r"<[^>]*>|&\w+;", "", plain(text)))


class MathmlWriter(Writer):
    """Writes MathML."""

    minus = "<mo>−</mo>"
    times = "<mo>·</mo>"

    def listed(self, items: Iterable[Formula]) -> str:
        """Formulas with commas between them."""
        return "<mo>,</mo>".join(self.write(item) for item in items)

    def _sum(self, formula: Sum) -> str:
        (negative, first), *rest = formula.parts
        text = ('<mo form="prefix">−</mo>' if negative else "") + self.write(first, PRODUCT)
        for minus, part in rest:
            text += f"{BREAK}<mo>{'−' if minus else '+'}</mo>{self.write(part, PRODUCT)}"
        return text

    def symbol(self, name: str) -> str:
        """A letter, a Greek letter, either with an index, or an upright word."""
        if name in SIGNS:
            sign = SIGNS[name][0]
            return f"<mi>{sign}</mi>" if sign.isalpha() else f"<mo>{sign}</mo>"
        head, index = split_name(name)
        return f"<msub>{_letter(head)}<mi>{escape(index)}</mi></msub>" if index else _letter(head)

    def numeral(self, text: str) -> str:
        """A number; powers of ten are written out."""
        found = _POWER_OF_TEN.match(text)
        if not found:
            return f"<mn>{'½' if text == '0.5' else escape(text)}</mn>"
        ten = f"<msup><mn>10</mn>{_row(_signed(int(found['power'])))}</msup>"
        return ten if found["digits"] in {"1", "1.0"} else f"<mn>{found['digits']}</mn>{self.times}{ten}"

    def words(self, text: str) -> str:
        """Upright words."""
        return f"<mtext>{escape(text).replace(' ', '&#160;')}</mtext>"

    def scripts(self, below: tuple[Formula, ...], above: tuple[Formula, ...]) -> str:
        """Indices of nothing, to stand behind the name of a function."""
        return _scripted(_EMPTY, self._items(below), self._items(above))

    def scripted(self, formula: Scripted) -> str:
        """A value with its indices; that of its name comes first among them."""
        name = formula.base.base if isinstance(formula.base, Hat) else formula.base
        head, index = split_name(name.name) if isinstance(name, Symbol) and name.name not in SIGNS else ("", "")
        base, below = formula.base, formula.below
        if index and below:
            base = Hat(Symbol(head)) if isinstance(formula.base, Hat) else Symbol(head)
            below = (Numeral(index), *below)
        return _scripted(_row(plain(self.write(base, ATOM))), self._items(below), self._items(formula.above))

    def _items(self, items: tuple[Formula, ...]) -> str:
        letters = all(isinstance(item, Symbol) for item in items)
        return ("" if letters else "<mo>,</mo>").join(plain(self.write(item)) for item in items)

    def hat(self, base: Symbol) -> str:
        """A hat over a letter or a word. An index stands outside."""
        head, index = split_name(base.name)
        hat = f'<mover accent="true">{_letter(head)}<mo stretchy="false">^</mo></mover>'
        return f"<msub>{hat}<mi>{escape(index)}</mi></msub>" if index else hat

    def quotient(self, formula: Quotient) -> str:
        """A fraction, which needs no brackets."""
        top, bottom = (_row(plain(self.write(side))) for side in (formula.top, formula.bottom))
        return f"<mfrac>{top}{bottom}</mfrac>"

    def power(self, base: str, exponent: Formula) -> str:
        """A raised exponent."""
        return f"<msup>{_row(plain(base))}{_row(plain(self.write(exponent)))}</msup>"

    def root(self, body: Formula) -> str:
        """A root, which needs no brackets."""
        return f"<msqrt>{plain(self.write(body))}</msqrt>"

    def function(self, name: str) -> str:
        """Its name, upright."""
        sign = PREFIXES.get(name) or FUNCTIONS.get(name)
        return f"<mi>{sign[0]}</mi>" if sign else self.symbol(name)

    def enclose(self, left: str, text: str, right: str) -> str:
        """Brackets as tall as the text where no line breaks in it."""
        sign, index = right[0], right[1:].lstrip("_").translate(_UNLOWERED)
        close = f'<mo form="postfix">{sign}</mo>'
        if index:
            close = f"<msub>{close}<mi>{index}</mi></msub>"
        body = f'<mo form="prefix">{left}</mo>{OPEN}{text}{CLOSE}{close}'
        return body if BREAK in text else _row(plain(body))

    def big(self, kind: str, below: tuple[Formula, ...]) -> str:
        """The sign with its indices under it."""
        sign = BIG[kind][0]
        token = f'<mo movablelimits="false">{sign}</mo>' if len(sign) == 1 else f"<mi>{sign}</mi>"
        if not below:
            return token
        return f"<munder>{token}{_row('<mo>,</mo>'.join(plain(self.write(item)) for item in below))}</munder>"

    def integral(self, body: str, variable: str) -> str:
        """∫ x dt."""
        return f"<mo>∫</mo>{body}<mi>d</mi>{variable}"

    def sign(self, name: str) -> str:
        """One character, or a word."""
        return f"<mo>{escape(RELATIONS[name][0])}</mo>"


_UNLOWERED = str.maketrans("₊", "+")


def _letter(name: str) -> str:
    letter = GREEK.get(name, name)
    return f"<mi>{letter}</mi>" if len(letter) == 1 else f"<mi>{escape(letter.replace('_', '-'))}</mi>"


def _signed(number: int) -> str:
    return f"<mo>−</mo><mn>{-number}</mn>" if number < 0 else f"<mn>{number}</mn>"


def _scripted(base: str, below: str, above: str) -> str:
    if below and above:
        return f"<msubsup>{base}{_row(below)}{_row(above)}</msubsup>"
    if below:
        return f"<msub>{base}{_row(below)}</msub>"
    return f"<msup>{base}{_row(above)}</msup>" if above else ("" if base == _EMPTY else base)


def _row(text: str) -> str:
    return f"<mrow>{text}</mrow>"


_WRITER = MathmlWriter()

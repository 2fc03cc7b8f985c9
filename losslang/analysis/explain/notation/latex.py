r"""Formulas in LaTeX, within what KaTeX and MathJax know; no `\_`, `\{` or `\,`, which Markdown would eat."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from losslang.analysis.explain.notation.formula import Formula, Hat, Numeral, Quotient, Scripted, Sum, Symbol
from losslang.analysis.explain.notation.glyphs import BIG, FENCES, FUNCTIONS, GREEK, PREFIXES, RELATIONS, SIGNS
from losslang.analysis.explain.notation.lines import BREAK, CLOSE, OPEN, broken, plain
from losslang.analysis.explain.notation.unicode import split_name
from losslang.analysis.explain.notation.writer import ATOM, Writer

__all__ = ["latex", "latex_block"]

_COMMAND = re.compile(r"\\[A-Za-z]+\*?|[{}_^&\s]")
_TALL = re.compile(r"\\(d?frac|sum|mathbb|sqrt|max|operatorname\*)")
_INDENT = r"\qquad"
_LONG = 90  # visible characters on a line
_POWER_OF_TEN = re.compile(r"(?P<digits>[\d.]+)[eE](?P<power>[+-]?\d+)$")


def latex(formula: Formula) -> str:
    """A formula on one line."""
    return plain(_WRITER.write(formula))


def latex_block(equations: Sequence[tuple[Formula, str, Formula]]) -> str:
    """Equations (left, sign, right) under each other, aligned at their signs; long ones on several lines."""
    rows = [row for left, sign, right in equations for row in _rows(latex(left), RELATIONS[sign][1], right)]
    if len(rows) == 1:
        return rows[0].replace(" &", " ", 1)
    return "\\begin{aligned}\n" + " \\\\\n".join(rows) + "\n\\end{aligned}"


def _rows(left: str, sign: str, right: Formula) -> Iterator[str]:
    lines = broken(_WRITER.write(right), _LONG - _visible(left), _visible)
    for number, (depth, line) in enumerate(lines):
        yield f"&{_INDENT * depth} {line}" if number else f"{left} &{sign} {line}"


def _visible(text: str) -> int:
    """About how many characters are seen: a command is one, scripts and braces none."""
    commands = len(re.findall(r"\\(?!text|mathrm|frac|left|right|Bigl|Bigr|operatorname)[A-Za-z]+", text))
    return commands + len(_COMMAND.sub("", plain(text)))


class LatexWriter(Writer):
    """Writes LaTeX."""

    minus = "-"
    times = r" \cdot "

    def symbol(self, name: str) -> str:
        """A letter, a Greek letter, either with an index, or an upright word."""
        if name in SIGNS:
            return SIGNS[name][1]
        head, index = split_name(name)
        return _letter(head) + (f"_{{{index}}}" if index else "")

    def numeral(self, text: str) -> str:
        """A number; powers of ten are written out."""
        found = _POWER_OF_TEN.match(text)
        if found:
            mantissa = "" if found["digits"] in {"1", "1.0"} else found["digits"] + r" \cdot "
            return f"{mantissa}10^{{{int(found['power'])}}}"
        return r"\tfrac{1}{2}" if text == "0.5" else text

    def words(self, text: str) -> str:
        """Upright words."""
        return rf"\text{{{text}}}"

    def scripts(self, below: tuple[Formula, ...], above: tuple[Formula, ...]) -> str:
        """`_{…}^{…}`."""
        lower = f"_{{{self._items(below)}}}" if below else ""
        return lower + (f"^{{{self._items(above)}}}" if above else "")

    def _items(self, items: tuple[Formula, ...]) -> str:
        texts = [_small(self.write(item)) for item in items]
        letters = all(isinstance(item, Symbol) for item in items)
        return (" " if letters else ", ").join(texts)

    def scripted(self, formula: Scripted) -> str:
        """A value with its indices; that of its name comes first among them."""
        name = formula.base.base if isinstance(formula.base, Hat) else formula.base
        head, index = split_name(name.name) if isinstance(name, Symbol) and name.name not in SIGNS else ("", "")
        if not index or not formula.below:
            return super().scripted(formula)
        bare = Hat(Symbol(head)) if isinstance(formula.base, Hat) else Symbol(head)
        return self.write(bare, ATOM) + self.scripts((Numeral(index), *formula.below), formula.above)

    def hat(self, base: Symbol) -> str:
        r"""`\hat{z}`; over a word `\widehat`. An index stands outside."""
        head, index = split_name(base.name)
        hat = r"\hat" if len(head) == 1 or head in GREEK else r"\widehat"
        return f"{hat}{{{_letter(head)}}}" + (f"_{{{index}}}" if index else "")

    def quotient(self, formula: Quotient) -> str:
        """A fraction, which needs no brackets."""
        return rf"\frac{{{_flat(self.write(formula.top))}}}{{{_flat(self.write(formula.bottom))}}}"

    def power(self, base: str, exponent: Formula) -> str:
        """A raised exponent, fractions in it with a slash."""
        return f"{base}^{{{self._slashed(exponent)}}}"

    def _slashed(self, exponent: Formula) -> str:
        """A fraction in a small place has a slash."""
        minus = isinstance(exponent, Sum) and len(exponent.parts) == 1
        inner = exponent.parts[0][1] if isinstance(exponent, Sum) and minus else exponent
        if not isinstance(inner, Quotient):
            return _small(self.write(exponent))
        text = f"{self.write(inner.top, ATOM)}/{self.write(inner.bottom, ATOM)}"
        return _small(f"-{text}" if minus else text)

    def root(self, body: Formula) -> str:
        """A root, which needs no brackets."""
        return rf"\sqrt{{{_flat(self.write(body))}}}"

    def function(self, name: str) -> str:
        """Its command, or its name."""
        sign = PREFIXES.get(name) or FUNCTIONS.get(name)
        return sign[1] if sign else self.symbol(name)

    def fence(self, kind: str, text: str) -> str:
        """The signs around the text."""
        left, right = FENCES[kind][1]
        return self.enclose(left, text, right)

    def enclose(self, left: str, text: str, right: str) -> str:
        """Brackets as tall as the text; those that lines may break in have a fixed height."""
        sign, script = _cut(right)
        if not _TALL.search(text):
            return left + OPEN + text + CLOSE + right
        if BREAK in text and _visible(text) > _LONG // 2:
            return rf"\Bigl{left}{OPEN}{text}{CLOSE}\Bigr{sign}{script}"
        return rf"\left{left}{_flat(text)}\right{sign}{script}"

    def big(self, kind: str, below: tuple[Formula, ...]) -> str:
        """The sign with its indices."""
        return BIG[kind][1] + (f"_{{{', '.join(_small(self.write(item)) for item in below)}}}" if below else "")

    def integral(self, body: str, variable: str) -> str:
        """∫ x dt."""
        return rf"\int {body} \mathrm{{d}}{variable}"

    def sign(self, name: str) -> str:
        """A command."""
        return RELATIONS[name][1]


def _letter(name: str) -> str:
    if name in GREEK:
        return r"\varepsilon" if name == "epsilon" else f"\\{name}"
    if len(name) == 1:
        return name
    return rf"\text{{{name.replace('_', '-')}}}" if "_" in name else rf"\mathrm{{{name}}}"


def _cut(right: str) -> tuple[str, str]:
    """A closing sign and the index behind it."""
    sign, underscore, index = right.partition("_")
    return sign, underscore + index


def _flat(text: str) -> str:
    """Text that no line may break in."""
    return text.replace(BREAK, "")


def _small(text: str) -> str:
    """Text in a small place."""
    return plain(text)


_WRITER = LatexWriter()

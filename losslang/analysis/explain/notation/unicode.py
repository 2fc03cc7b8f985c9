"""Formulas for the terminal: one line of Unicode, z^a with raised letters where Unicode has them."""

from __future__ import annotations

import re
import unicodedata

from losslang.analysis.explain.notation.formula import Formula, Numeral, Power, Quotient, Relation, Scripted, Symbol
from losslang.analysis.explain.notation.glyphs import BIG, FUNCTIONS, GREEK, PREFIXES, RELATIONS, SIGNS
from losslang.analysis.explain.notation.lines import BREAK, CLOSE, OPEN, broken, plain
from losslang.analysis.explain.notation.writer import ATOM, PRODUCT, SUM, Writer, is_open, level

__all__ = ["unicode", "unicode_lines"]

_BELOW = dict(zip("0123456789+-=()aehijklmnoprstuvxβγρφχ", "₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓᵦᵧᵨᵩᵪ", strict=True))
_ABOVE = dict(
    zip("0123456789+-=()⊤abcdefghijklmnoprstuvwxyz", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ᵀᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖʳˢᵗᵘᵛʷˣʸᶻ", strict=True)
)
_POWER_OF_TEN = re.compile(r"(?P<digits>[\d.]+)[eE](?P<power>[+-]?\d+)$")


def unicode(formula: Formula) -> str:
    """A formula on one line."""
    return unicodedata.normalize("NFC", plain(_WRITER.write(formula)))


def unicode_lines(formula: Formula, room: int) -> list[str]:
    """A formula on as many lines as it needs; later lines are indented by their depth."""
    text = unicodedata.normalize("NFC", _WRITER.write(formula))
    return ["    " * depth + line for depth, line in broken(text, room)]


class UnicodeWriter(Writer):
    """Writes one line."""

    minus = "−"
    times = " · "

    def symbol(self, name: str) -> str:
        """A Greek letter, a letter with an index (τₛ, c₁), or the word itself."""
        if name in SIGNS:
            return SIGNS[name][0]
        head, index = split_name(name)
        return GREEK.get(head, head) + (self._lowered(index) if index else "")

    def numeral(self, text: str) -> str:
        """A number; powers of ten are written out."""
        found = _POWER_OF_TEN.match(text)
        if found:
            mantissa = "" if found["digits"] in {"1", "1.0"} else found["digits"] + "·"
            return f"{mantissa}10{_mapped(str(int(found['power'])), _ABOVE)}"
        return "½" if text == "0.5" else text

    def words(self, text: str) -> str:
        """The words."""
        return text

    def scripts(self, below: tuple[Formula, ...], above: tuple[Formula, ...]) -> str:
        """Raised and lowered characters; `^{…}` and `_{…}` where Unicode lacks one."""
        raised = _placed("^", self._items(above), _ABOVE, one=len(above) == 1) if above else ""
        return raised + (_placed("_", self._items(below), _BELOW, one=len(below) == 1) if below else "")

    def _items(self, items: tuple[Formula, ...]) -> str:
        texts = [plain(self.write(item)) for item in items]
        texts = [
            text.replace(" ", "") if isinstance(i, Relation) else text for i, text in zip(items, texts, strict=True)
        ]
        letters = all(len(t) == 1 and isinstance(i, Symbol) for i, t in zip(items, texts, strict=True))
        return ("" if letters else ", ").join(texts)

    def _lowered(self, text: str) -> str:
        return _placed("_", text, _BELOW)

    def hat(self, base: Symbol) -> str:
        """A letter with a hat; a word as `unit(word)`."""
        text = self.symbol(base.name)
        return (
            text[0] + "\u0302" + text[1:]
            if len(split_name(base.name)[0]) == 1 or text[0] in GREEK.values()
            else f"unit({text})"
        )

    def quotient(self, formula: Quotient) -> str:
        """`a/b` of two short values, otherwise `a / b`."""
        top = self.write(formula.top, PRODUCT)
        top = self.brackets(top) if is_open(formula.top) else top
        bottom = self.write(formula.bottom, PRODUCT + 1)
        short = all(_is_short(side) for side in (formula.top, formula.bottom))
        return f"{top}/{bottom}" if short else f"{top} / {bottom}"

    def needs_end(self, factor: Formula) -> bool:
        """As for every way; and a fraction before another factor."""
        return is_open(factor) or isinstance(factor, Quotient)

    def power(self, base: str, exponent: Formula) -> str:
        """A raised exponent."""
        text = self.write(exponent)
        return base + (_placed("^", text, _ABOVE) if level(exponent) >= SUM else f"^({text})")

    def root(self, body: Formula) -> str:
        """√x, √(x + y)."""
        return "√" + self.write(body, ATOM)

    def function(self, name: str) -> str:
        """Its sign, or its name."""
        sign = PREFIXES.get(name) or FUNCTIONS.get(name)
        return sign[0] if sign else name

    def enclose(self, left: str, text: str, right: str) -> str:
        """The brackets around the text."""
        return left + OPEN + text + CLOSE + right

    def big(self, kind: str, below: tuple[Formula, ...]) -> str:
        """The sign with its indices."""
        return BIG[kind][0] + self.scripts(below, ())

    def integral(self, body: str, variable: str) -> str:
        """∫ x dt."""
        return f"∫ {body} d{variable}"

    def sign(self, name: str) -> str:
        """One character."""
        return RELATIONS[name][0]


def split_name(name: str) -> tuple[str, str]:
    """A letter and its index: `tau_s` and `c1` have one; a word has none."""
    found = re.fullmatch(r"([A-Za-z]|[a-z]+(?=_))(?:_(\w)|(\d))", name)
    if found and (len(found[1]) == 1 or found[1] in GREEK):
        return found[1], found[2] or found[3]
    return name, ""


def _is_short(formula: Formula) -> bool:
    """Whether a side of a fraction is one sign."""
    base = formula.base if isinstance(formula, Power) else formula
    return isinstance(base, Symbol | Numeral | Scripted)


def _mapped(text: str, table: dict[str, str]) -> str:
    return "".join(table[character] for character in text.replace("−", "-"))


def _bare(text: str) -> bool:
    """Whether a text needs no braces to be read as one: a word, a letter."""
    return len(text) == 1 or (text.isascii() and text.isalnum())


def _placed(sign: str, text: str, table: dict[str, str], *, one: bool = True) -> str:
    text = plain(text).replace(BREAK, "")
    bare = text.replace("−", "-").replace(" ", "")
    if all(character in table for character in bare) and (len(bare) <= 3 or not bare.isalpha()):
        return _mapped(bare, table)
    return f"{sign}{text}" if one and _bare(text) else f"{sign}{{{text}}}"


_WRITER = UnicodeWriter()

"""Signs and numbers that other languages have and this one has not, with what to write instead."""

from __future__ import annotations

import unicodedata
from typing import Final

from losslang.diagnostics import Report
from losslang.syntax.tokens import Token

__all__ = ["explain_wrong"]

# Sign -> the code, what is wrong, what to write.
_SIGNS: Final = {
    "**": ("E109", "powers are written with `^`", "write `x^2`"),
    "//": ("E109", "there is no division of whole numbers", "write `/`"),
    "%": ("E109", "there is no remainder", ""),
    "@": ("E109", "there is no matrix product sign", "dot(x, y, over=feature) multiplies and sums over an axis"),
    "&&": ("E109", "this is written `and`", ""),
    "&": ("E109", "this is written `and`", ""),
    "||": ("E109", "this is written `or`", ""),
    "|": ("E109", "this is written `or`; a norm is norm(x), an absolute value abs(x)", ""),
    "!": ("E109", "this is written `not`", ""),
    "~": ("E109", "this is written `not`", ""),
    "<>": ("E109", "this is written `!=`", ""),
    ":=": ("E109", "values are not named inside an expression", "give it an entry of its own under `define`"),
    "->": ("E109", "`->` has no meaning here", ""),
    "{": ("E109", "there are no braces", "groups stand in ( ), lists in [ ]"),
    "}": ("E109", "there are no braces", "groups stand in ( ), lists in [ ]"),
    ";": ("E109", "there is no semicolon", "one entry a line; arguments are separated by commas"),
    "?": ("E109", "`?` has no meaning here", ""),
    "$": ("E109", "`$` has no meaning here", "names stand without a sign"),
    "`": ("E109", "a backtick has no meaning here", "names stand without quotes"),
    "\\": ("E109", "a backslash has no meaning here", "inside brackets lines may break anywhere"),
    "'": ("E119", "texts stand in double quotes; a prime follows a name, as in batch'", 'write "text"'),
    '"""': ("E119", "this text is never closed", 'add `"""`'),
    "×": ("E111", "`×` is no operator", "write `*`"),
    "·": ("E111", "`·` is no operator", "write `*`, or dot(x, y)"),
    "⋅": ("E111", "`⋅` is no operator", "write `*`, or dot(x, y)"),
    "−": ("E111", "this is the character U+2212, not the minus of the keyboard", "write `-`"),
    "–": ("E111", "this is a dash, not a minus", "write `-`"),
    "—": ("E111", "this is a dash, not a minus", "write `-`"),
    "÷": ("E111", "`÷` is no operator", "write `/`"),
    "≤": ("E111", "`≤` is no operator", "write `<=`"),
    "≥": ("E111", "`≥` is no operator", "write `>=`"),
    "≠": ("E111", "`≠` is no operator", "write `!=`"),
    "“": ("E111", "this is a typographic quote", 'write `"`'),
    "”": ("E111", "this is a typographic quote", 'write `"`'),
    "„": ("E111", "this is a typographic quote", 'write `"`'),
    "‘": ("E111", "this is a typographic quote", "a prime is `'`"),
    "’": ("E111", "this is a typographic quote", "a prime is `'`"),
    "′": ("E111", "this is the character U+2032", "a prime is `'`"),
    "²": ("E111", "powers are written with `^`", "write `x^2`"),
    "³": ("E111", "powers are written with `^`", "write `x^3`"),
    "∞": ("E111", "there is no infinite number", ""),
    "√": ("E111", "`√` is no operator", "write sqrt(x)"),
    "∑": ("E111", "`∑` is no operator", "write sum(x, over=feature)"),
}


def explain_wrong(token: Token, value: Token | None, following: Token | None, report: Report) -> None:
    """Reports a token that is none of this language. `value` is what ended before it, `following` what comes next."""
    text = token.text
    if text[0].isascii() and (text[0].isdigit() or (text[0] == "." and text[1:2].isdigit())):
        _number(token, report)
    elif text.startswith("."):
        _dot(token, value, following, report)
    elif text.startswith('"') and text != '"""':
        report.add("E119", "this text is never closed", token.span, help='add `"` on the same line')
    elif text in _SIGNS:
        code, message, remedy = _SIGNS[text]
        report.add(code, message, token.span, help=remedy)
    else:
        _character(token, report)


def _number(token: Token, report: Report) -> None:
    text = token.text
    shown = text if len(text) <= 24 else text[:20] + "…"
    report.add("E112", f"`{shown}` is not a number", token.span, help=_number_remedy(text))


def _number_remedy(text: str) -> str:
    lowered = text.lower()
    if text.replace("_", "").replace(".", "", 1).isdigit() and "_" in text:
        return f"write `{text.replace('_', '')}`"
    if lowered.startswith(("0x", "0o", "0b")):
        try:
            return f"write it as a decimal number: `{int(text[:40], 0)}`"
        except ValueError:
            return "write a decimal number such as 1000, 0.5 or 1e-3"
    if text.isdigit():
        return f"write it without the zero in front: `{text.lstrip('0') or '0'}`"
    digits = len(text) - len(text.lstrip("0123456789."))
    rest = text[digits:]
    if rest.isidentifier() and lowered[digits:] != "e" and text[:digits].count(".") <= 1:
        return f"if it is a product, write `{text[:digits]} * {rest}`; names begin with a letter"
    return "write a number such as 1000, 0.5 or 1e-3"


def _dot(token: Token, value: Token | None, following: Token | None, report: Report) -> None:
    if token.text != ".":
        report.add("E109", "`...` has no meaning here", token.span, help="axes have names, and need no dots")
        return
    if value is not None and following is not None and following.type == "NAME":
        subject = value.text if value.type == "NAME" else "…"
        remedy = f"functions stand before their argument: `{following.text}({subject})`"
        report.add("E110", "values have no attributes or methods", token.span, help=remedy)
        return
    report.add("E109", "a dot has no meaning here", token.span)


def _character(token: Token, report: Report) -> None:
    text = token.text
    name = unicodedata.name(text[0], f"U+{ord(text[0]):04X}").lower()
    plain = unicodedata.normalize("NFKC", text)
    remedy = "names have letters from a to z, digits and `_`"
    if plain != text and plain.isascii():
        remedy = f"write `{plain}`"
    elif name.startswith("greek small letter "):
        letter = name.removeprefix("greek small letter ").split()[0].replace("lamda", "lambda")
        remedy = f"write its name: `{letter}`"
    elif name.startswith("greek capital letter "):
        remedy = f"write its name: `{name.removeprefix('greek capital letter ').split()[0].replace('lamda', 'lambda')}`"
    elif not text.isalpha():
        remedy = ""
    report.add("E111", f"`{text}` ({name}) has no meaning here", token.span, help=remedy)

"""Signs and numbers that other languages have and this one has not, with what to write instead."""

from __future__ import annotations

import unicodedata
from typing import Final

from losslang.diagnostics import Report, Span
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
    ":=": ("E109", "values are not named inside an expression", "give it a line of its own, as a definition"),
    "->": ("E109", "`->` has no meaning here", ""),
    "{": ("E109", "there are no braces", "groups stand in ( ), lists in [ ]"),
    "}": ("E109", "there are no braces", "groups stand in ( ), lists in [ ]"),
    ";": ("E109", "there is no semicolon", "one entry a line; arguments are separated by commas"),
    "?": ("E109", "`?` has no meaning here", ""),
    "$": ("E109", "`$` has no meaning here", "names stand without a sign"),
    "`": ("E109", "a backtick has no meaning here", "names stand without quotes"),
    "\\": ("E109", "a backslash has no meaning here", "write a / b, sqrt(x), lambda; inside brackets lines may break"),
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

# The same where a value stands before and another follows.
_BETWEEN: Final = {
    "!": ("E109", "`!` has no meaning between two values", "write `!=`"),
    "~": ("E109", "`~` has no meaning between two values", "write `!=`"),
}

_MODULES: Final = frozenset({"torch", "nn", "F", "functional", "np", "numpy", "jnp", "jax", "tf", "math", "losslang"})

# Method or attribute of other libraries -> what to do here, with the value it is asked of.
_RESHAPED: Final = "axes have names: nothing is transposed or reshaped"
_ATTRIBUTES: Final = {
    **dict.fromkeys(("T", "mT", "t", "transpose", "permute", "view", "reshape", "flatten", "squeeze"), _RESHAPED),
    **dict.fromkeys(("unsqueeze", "expand", "repeat"), "axes are matched by name: nothing is expanded"),
    **dict.fromkeys(("shape", "size"), "write `size({value}, batch)`, with the name of the axis"),
    **dict.fromkeys(("item", "clone", "contiguous", "cpu", "cuda", "to", "float"), "leave `.{name}` out"),
    "detach": "write `stopgrad({value})`",
    "pow": "write `{value}^2`",
    **dict.fromkeys(("mm", "matmul"), "write dot({value}, …, over=feature)"),
    **dict.fromkeys(("mean", "sum", "norm"), "write `{name}({value})`, with over=batch for one axis"),
    **dict.fromkeys(("std", "var"), "write `{name}({value}, over=batch, ddof=1)`"),
}


def explain_wrong(token: Token, value: Token | None, following: Token | None, report: Report) -> None:
    """Reports a token that is none of this language. `value` is what ended before it, `following` what comes next."""
    text = token.text
    if text[0].isascii() and (text[0].isdigit() or (text[0] == "." and text[1:2].isdigit())):
        _number(token, report)
    elif text.startswith("."):
        _dot(token, value, following, report)
    elif text == "'" and following is not None and following.type == "NAME" and following.text.endswith("'"):
        word = following.text.rstrip("'")
        report.add("E119", "words have no quotes", _both(token, following), help=f"write `{word}`")
    elif text == "%" and value is not None and value.type == "NUMBER" and not _begins_value(following):
        share = f"{float(value.text) / 100:.12g}"
        report.add("E109", "there is no sign for percent", _both(value, token), help=f"write `{share}`")
    elif value is not None and _begins_value(following, text) and text in _BETWEEN:
        code, message, remedy = _BETWEEN[text]
        report.add(code, message, token.span, help=remedy)
    elif text.startswith('"') and text != '"""':
        report.add("E119", "this text is never closed", token.span, help='add `"` on the same line')
    elif text in _SIGNS:
        code, message, remedy = _SIGNS[text]
        report.add(code, message, token.span, help=remedy)
    else:
        _character(token, report)


def _both(first: Token, last: Token) -> Span:
    return first.span.to(last.span)


def _begins_value(token: Token | None, *others: str) -> bool:
    return token is not None and (token.type in {"NAME", "NUMBER", "LPAR", "MINUS"} or token.text in others)


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
    if following is not None and following.type == "NAME" and following.start == token.end:
        if value is not None:
            _attribute(token, value, following, report)
            return
        if following.text.lower() in {"inf", "nan"}:
            message = f"`.{following.text}` is no number of the language"
            report.add("E112", message, _both(token, following), help="write a finite number")
            return
    report.add("E109", "a dot has no meaning here", token.span)


def _attribute(dot: Token, value: Token, name: Token, report: Report) -> None:
    if value.text in _MODULES:
        message, remedy = (
            "there are no modules",
            f"leave out `{value.text}.`; `losslang list primitives` shows what there is",
        )
        report.add("E110", message, _both(value, dot), help=remedy)
        return
    subject = value.text if value.type == "NAME" else "…"
    known = _ATTRIBUTES.get(name.text, "functions stand before their argument: `{name}({value})`")
    remedy = known.format(name=name.text, value=subject)
    report.add("E110", "values have no attributes or methods", _both(dot, name), help=remedy)


def _character(token: Token, report: Report) -> None:
    text = token.text
    name = unicodedata.name(text[0], f"U+{ord(text[0]):04X}").lower().replace("lamda", "lambda")
    plain = unicodedata.normalize("NFKC", text)
    remedy = "names have letters from a to z, digits and `_`"
    if plain != text and plain.isascii():
        remedy = f"write `{plain}`"
    elif name.startswith("greek small letter "):
        letter = name.removeprefix("greek small letter ").split()[0]
        remedy = f"write its name: `{letter}`"
    elif name.startswith("greek capital letter "):
        remedy = f"write its name: `{name.removeprefix('greek capital letter ').split()[0]}`"
    elif not text.isalpha():
        remedy = ""
    report.add("E111", f"`{text}` ({name}) has no meaning here", token.span, help=remedy)

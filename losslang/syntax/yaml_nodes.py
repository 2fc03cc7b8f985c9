"""What a YAML value is taken for: a text, an expression, a setting; and what is said if it is something else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from losslang.diagnostics import Report, Span
from losslang.syntax.comments import of_token, with_inner
from losslang.syntax.parser import parse_tokens
from losslang.syntax.settings import TRAPS, Setting, plain_number
from losslang.syntax.tokens import tokenize
from losslang.syntax.tree import Comments, Expression
from losslang.syntax.yaml_comments import Placed
from losslang.syntax.yaml_problems import report_cut
from losslang.syntax.yaml_scalars import contents
from losslang.syntax.yaml_text import Mapping, Node, Pair, Refused, Scalar, Sequence

__all__ = ["expression_of", "is_null", "mapping_of", "place_of", "plain_text_of", "refuse_kind", "setting_of"]

_BLOCK_REMEDY: Final = "write the expression behind the colon, or on the lines below `|`"

_ASSIGNED: Final = re.compile(r"(\w+)\s*=(?!=)")

_CALCULATION: Final = re.compile(r"[-+]?[0-9.][0-9.eE]*\s*(?:[*/^]|\s[-+]\s)\s*[-+]?[0-9.][-+*/^0-9.eE\s]*")

_NULLS: Final = frozenset({"~", "Null", "NULL"})


def place_of(pair: Pair) -> Span:
    """The value of an entry, or its key where the value is empty."""
    return pair.value.span if pair.value.span.text.strip() else pair.key.span


def is_null(node: Node) -> bool:
    """Whether a value is `null`, spelled so and not quoted."""
    return isinstance(node, Scalar) and node.style == "" and node.text == "null"


def refuse_kind(pair: Pair, wanted: str, report: Report) -> None:
    """The value of an entry is not what it must be."""
    match pair.value:
        case Refused():
            return
        case Sequence(items=items) if any(isinstance(item, Refused) for item in items):
            return
        case Scalar(is_empty=True):
            report.add(
                "E511",
                f"`{pair.key.text}` has no value",
                pair.key.span,
                help=f"write {wanted}, or leave the line out; an empty value is not `null`",
            )
        case Scalar(text=text):
            assigned = _ASSIGNED.match(text) if wanted.startswith("a mapping") else None
            hint = f"write `{assigned[1]}: …`, with a colon" if assigned else ""
            report.add("E512", f"`{pair.key.text}` must be {wanted}", place_of(pair), help=hint)
        case Mapping() | Sequence() as node:
            found = "a mapping" if isinstance(node, Mapping) else "a list"
            hint = "leave the `-` out" if wanted.startswith("a mapping") and not node.flow else ""
            if wanted == "an expression":
                hint = "an expression that begins with a bracket needs quotes" if node.flow else _BLOCK_REMEDY
            report.add(
                "E512",
                f"`{pair.key.text}` must be {wanted}; this is {found} for YAML",
                _start(node),
                help=hint,
            )


def _start(node: Mapping | Sequence) -> Span:
    """The first line of a node."""
    first = node.span.text.split("\n", 1)[0].rstrip()
    return Span(node.span.source, node.span.start, node.span.start + max(1, len(first)))


def plain_text_of(pair: Pair, report: Report) -> str:
    """The text of an entry such as `title`."""
    value = pair.value
    if not isinstance(value, Scalar) or value.is_empty or is_null(value) or not value.text.strip():
        refuse_kind(pair, "a text", report)
        return ""
    return value.text.strip()


def mapping_of(pair: Pair, wanted: str, report: Report) -> Iterator[Pair]:
    """The entries of a section that must be a mapping; those that YAML cut apart in `{ }` are reported and left out."""
    if not isinstance(pair.value, Mapping):
        refuse_kind(pair, wanted, report)
        return
    pairs = pair.value.pairs
    if not pairs and pair.value.flow:
        report.add("E511", f"`{pair.key.text}` is empty", place_of(pair), help="leave the key out")
        return
    cut = _cut_apart(pairs, report) if pair.value.flow else frozenset()
    yield from (each for at, each in enumerate(pairs) if at not in cut)


def _cut_apart(pairs: tuple[Pair, ...], report: Report) -> frozenset[int]:
    """Entries between `{ }` that are pieces of one expression: `{predictor: mlp(512, 2048)}` holds two keys for YAML."""
    odd = [at for at, pair in enumerate(pairs) if _unbalanced(pair.key) or _unbalanced(pair.value)]
    if not odd:
        return frozenset()
    first, last = pairs[odd[0]], pairs[odd[-1]]
    value = first.value.span if _unbalanced(first.value) else first.key.span
    span = value.to(last.key.span).to(last.value.span if last.value.span.text else last.key.span)
    report_cut(span, first.key.text, report)
    return frozenset(range(odd[0], odd[-1] + 1))


def _unbalanced(node: Node) -> bool:
    return isinstance(node, Scalar) and node.style == "" and node.text.count("(") != node.text.count(")")


def expression_of(
    pair: Pair, comments: Comments, placed: Placed, report: Report
) -> tuple[Expression | None, Comments] | None:
    """The expression of an entry (None where `null` removes it) with its comments; None if there is none."""
    value = pair.value
    if is_null(value):
        return None, comments
    if not isinstance(value, Scalar) or value.is_empty:
        refuse_kind(pair, "an expression", report)
        return None
    if value.style == "" and value.text in _NULLS:
        report.add("E517", f"`{value.text}` is not read", value.span, help="write `null` to remove an inherited entry")
        return None
    everything = tokenize(contents(value))
    placed.all += [of_token(token) for token in everything if token.type == "COMMENT"]
    tokens = [token for token in everything if token.type != "COMMENT"]
    expression = parse_tokens(tokens, value.span, report)
    return None if expression is None else (expression, with_inner(comments, everything))


def setting_of(pair: Pair, report: Report) -> Setting | None:
    """The plain value of an entry of a recipe."""
    value = pair.value
    if isinstance(value, Sequence):
        items = [_plain(item, report) for item in value.items if isinstance(item, Scalar)]
        if len(items) < len(value.items):
            refuse_kind(pair, "a number, a text, true, false, or a list of those", report)
            return None
        return None if None in items else tuple(item for item in items if item is not None)
    if not isinstance(value, Scalar) or (value.is_empty or is_null(value)):
        refuse_kind(pair, "a number, a text, true, false, or a list of those", report)
        return None
    return _plain(value, report)


def _plain(scalar: Scalar, report: Report) -> int | float | str | bool | None:
    text = scalar.text
    if scalar.style:
        return text.rstrip("\n") if scalar.style == "|" else text
    if text in {"true", "false"}:
        return text == "true"
    number = plain_number(text)
    if number is not None:
        return number
    if _CALCULATION.fullmatch(text):
        message = "a setting is a number, a text, true, false, or a list of those"
        report.add("E146", message, scalar.span, help="write the result, or put a text in quotes")
        return None
    remedy = _trap(text)
    if remedy:
        report.add("E517", f"YAML readers disagree on what `{text[:24]}` is", scalar.span, help=remedy)
        return None
    return text


def _trap(text: str) -> str:
    """The remedy for a plain value that one YAML reader takes for a text and another for something else."""
    if text in TRAPS:
        return f"write `{TRAPS[text]}`, or put it in quotes if it is a text"
    if text[:1].isdigit() or (text[:1] in "+-." and text[1:2].isdigit()):
        lowered = text.lower().replace("_", "").replace(":", "").lstrip("+-")
        if lowered.replace("e", "").replace("+", "").replace("-", "").replace(".", "").isdigit():
            return "write a number such as 1000, 0.5 or 1e-3, or put it in quotes if it is a text"
        if lowered.startswith(("0x", "0o", "0b")):
            return "write it as a decimal number, or put it in quotes if it is a text"
    if text.lower().lstrip("+-") in {".inf", ".nan"}:
        return "a setting is a finite number"
    return ""

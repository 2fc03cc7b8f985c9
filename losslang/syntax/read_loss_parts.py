"""Parts of statements of the text form: texts, names of files, views, recipes; and what a wrong one is told."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from losslang.diagnostics import Report, Span
from losslang.syntax.checks import check_name, check_once, view_count
from losslang.syntax.layout import Block, Line, report_continuation
from losslang.syntax.names import STATEMENT_WORDS, nearest
from losslang.syntax.parser import parse_tokens
from losslang.syntax.settings import PATH_PART, TRAPS, Plain, Setting
from losslang.syntax.signs import explain_wrong
from losslang.syntax.texts import plain_text, shortened, wrong_escape
from losslang.syntax.tokens import Token, span_of
from losslang.syntax.tree import Expression, Items, Name, Number, Override, RecipeOverrides, Text, Unary, View

__all__ = ["is_entry", "read_file_name", "read_recipe", "read_text", "read_views", "refuse_statement", "wrong_form"]

FORMS: Final = {
    "losslang": "`losslang 1`",
    "method": '`method name "Title"`',
    "title": '`title "Title"`',
    "paper": '`paper "arXiv:2011.10566"`',
    "notes": '`notes "…"`, or a text in three quotes',
    "extends": "`extends name`",
    "parameter": "`parameter temperature = 0.1`",
    "network": "`network projector = mlp(2048, 128)`",
    "view": "`view a, b`, or `view global = 2, local = 6`",
    "forward": "`forward joint`, or for one network `forward encoder = joint`",
    "def": "`def name(z: [batch, feature], eps=1e-4) = …`",
    "minimize": "`minimize`, and its terms on indented lines below: `align: alignment(z[a], z[b])`",
    "recipe": "`recipe toy`, and its settings on indented lines below: `optimizer.learning_rate = 0.1`",
    "remove": "`remove parameter x` (or network, def, value, term)",
}

_ENTRIES: Final = frozenset({"parameter", "network"})

# Words that other languages, or the YAML spelling, have for a statement.
_MEANT: Final = {"function": "def", "objective": "minimize", "loss": "minimize", "param": "parameter"}

_YAML_KEYS: Final = frozenset(
    {"title", "parameters", "views", "networks", "functions", "define", "objective", "recipes"}
)


def is_entry(tokens: Sequence[Token]) -> bool:
    """Whether a line has the form `name = …`."""
    return len(tokens) > 1 and tokens[0].type not in {"TEXT", "LONGTEXT", "AT"} and tokens[1].type == "EQUAL"


def wrong_form(tokens: Sequence[Token], report: Report) -> None:
    """A statement begins with a known word and goes on otherwise than it should."""
    word = tokens[0].text if tokens[0].type == "NAME" else "notes"
    if not (_explain_sign(tokens, report) or (word in _ENTRIES and _explain_entry(tokens, report))):
        report.add("E133", f"this is not how `{word}` is written", span_of(tokens), help=f"write {FORMS[word]}")


def _explain_sign(tokens: Sequence[Token], report: Report) -> bool:
    """A sign that is none of the language explains itself."""
    at = next((at for at, token in enumerate(tokens) if token.type == "WRONG"), None)
    if at is None:
        return False
    explain_wrong(tokens[at], None, tokens[at + 1] if at + 1 < len(tokens) else None, report)
    return True


def _explain_entry(tokens: Sequence[Token], report: Report) -> bool:
    """`parameter my-weight = 2`, `parameter width: 2`."""
    kinds = [token.type for token in tokens]
    if kinds[1:3] == ["NAME", "COLON"]:
        report.add(
            "E133", f"a {tokens[0].text} is written with `=`", tokens[2].span, help=f"write {FORMS[tokens[0].text]}"
        )
        return True
    named = tokens[1 : kinds.index("EQUAL")] if "EQUAL" in kinds else []
    joined = len(named) > 1 and all(one.end == two.start for one, two in pairwise(named))
    return joined and not check_name(span_of(named).text, tokens[0].text, span_of(named), report)


def refuse_statement(tokens: Sequence[Token], report: Report) -> None:
    """A line at the left margin is no statement at all."""
    word = tokens[0]
    following = tokens[1].type if len(tokens) > 1 else ""
    near = _MEANT.get(word.text) or nearest(word.text, sorted(STATEMENT_WORDS))
    if following == "COLON" and (word.text in _YAML_KEYS or word.text in STATEMENT_WORDS):
        remedy = "this looks like the YAML spelling; give the file the ending .yaml"
    elif following == "COLON":
        remedy = f"terms of the objective stand below `minimize`, indented; a value is defined by `{word.text} = …`"
    elif word.text in {"//", "/"}:
        remedy = "a comment begins with `#`"
    elif word.text in {"let", "var", "define"}:
        remedy = "a value is defined by its name alone: `z = projector(encoder(x))`"
    elif following == "WRONG" and tokens[1].text == ":=":
        remedy = f"write `{word.text} = …`"
    elif following == "WRONG" and tokens[1].text.isspace():
        remedy = "behind it stands a space that is not that of the keyboard (U+00A0 or its like); type it anew"
    elif near and following in {"NAME", "TEXT", ""}:
        report.add("E130", f"no statement begins with `{word.text}`", word.span, label=f"did you mean `{near}`?")
        return
    else:
        remedy = "a value is defined by `name = expression`; other statements begin with one of: " + ", ".join(FORMS)
    report.add("E130", f"no statement begins with `{shortened(word.text)}`", word.span, help=remedy)


def read_file_name(tokens: Sequence[Token]) -> tuple[Span | None, Sequence[Token]]:
    """The name behind `method` or `extends` (it may hold `-` and `.`), and the tokens after it."""
    if len(tokens) < 2 or tokens[1].type in {"TEXT", "LONGTEXT"}:
        return None, tokens[1:]
    at = 2
    while at < len(tokens) and tokens[at].start == tokens[at - 1].end:
        at += 1
    return span_of(tokens[1:at]), tokens[at:]


def read_text(tokens: Sequence[Token], report: Report) -> str | None:
    """The one quoted text that tokens are, or None."""
    if len(tokens) != 1 or tokens[0].type not in {"TEXT", "LONGTEXT"}:
        return None
    if wrong_escape(tokens[0].text) is not None:
        parse_tokens(tokens, tokens[0].span, report)  # says so
        return ""
    text = plain_text(tokens[0].text).strip()
    if not text:
        report.add("E133", "this text is empty", tokens[0].span, help="leave the statement out")
    return text


def read_views(tokens: Sequence[Token], report: Report) -> list[View] | None:
    """The views of `view a, b` or `view global = 2, local = 6`; None and a diagnostic unless all are right."""
    views: list[View] = []
    part: list[Token] = []
    parts = [part]
    for token in tokens[1:]:
        if token.type == "COMMA":
            part = []
            parts.append(part)
        else:
            part.append(token)
    for part in parts:
        kinds = [token.type for token in part]
        if len(kinds) not in {1, 3} or kinds[1:2] not in ([], ["EQUAL"]):
            wrong_form(tokens, report)
            return None
        name = part[0]
        count = view_count(part[2].text, part[2].span, report) if len(part) == 3 else 1
        if check_name(name.text, "view", name.span, report) and count is not None:
            views.append(View(name.text, count, span=name.span))
    return views if len(views) == len(parts) else None


def read_recipe(block: Block, report: Report) -> RecipeOverrides | None:
    """`recipe toy` and its indented lines `optimizer.learning_rate = 0.1`."""
    head = block.head.tokens
    name, rest = read_file_name(head)
    if name is None or rest or not PATH_PART.fullmatch(name.text):
        wrong_form(head, report)
        return None
    if not block.body:
        report.add(
            "E137",
            "this recipe has no settings",
            name,
            help="write them below, indented: `optimizer.learning_rate = 0.1`",
        )
    overrides: list[Override] = []
    before: Line | None = None
    for line in block.body:
        if before is not None and not any(token.type == "EQUAL" for token in line.tokens):
            report_continuation(before, line, report)
            continue
        before = line
        override = _override(line, report)
        if override is not None:
            overrides.append(override)
    check_once(((".".join(each.path), each.span) for each in overrides), report)
    return RecipeOverrides(name.text, tuple(overrides), block.head.comments, name)


def _override(line: Line, report: Report) -> Override | None:
    tokens = line.tokens
    equal = next((at for at, token in enumerate(tokens) if token.type == "EQUAL"), 0)
    if not equal:
        report.add(
            "E133", "a setting is written `name = value`", span_of(tokens), help="write `optimizer.learning_rate = 0.1`"
        )
        return None
    place = span_of(tokens[:equal])
    path = tuple(place.text.split("."))
    if not all(PATH_PART.fullmatch(part) for part in path):
        report.add("E135", f"`{shortened(place.text)}` is not the name of a setting", place)
        return None
    value = parse_tokens(tokens[equal + 1 :], tokens[equal].span, report)
    setting = _setting(value, report) if value is not None else None
    return None if setting is None else Override(path, setting, line.comments, place)


def _setting(value: Expression, report: Report) -> Setting | None:
    if isinstance(value, Items):
        items = [_plain(item, report) for item in value.items]
        return None if None in items else tuple(item for item in items if item is not None)
    return _plain(value, report)


def _plain(value: Expression, report: Report) -> Plain | None:
    match value:
        case Number():
            return value.value
        case Unary(operator="-", operand=Number(value=number)):
            return -number
        case Text():
            return value.value
        case Name(id="true" | "false"):
            return value.id == "true"
        case Name(primes=0) if value.id in TRAPS:
            remedy = f"write `{TRAPS[value.id]}`, or put it in quotes if it is a text"
            report.add("E517", f"readers disagree on what `{value.id}` is", value.span, help=remedy)
        case Name(primes=0):
            return value.id
        case _:
            report.add(
                "E146",
                "a setting is a number, a text, true, false, or a list of those",
                value.span,
                help="put a text in double quotes",
            )
    return None

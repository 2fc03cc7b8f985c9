"""Trees -> text -> trees, in both spellings, on generated methods and on the drafted specs."""

import keyword
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from losslang.diagnostics import Report, Source
from losslang.syntax.format import format_text, write_method
from losslang.syntax.fragment import Fragment
from losslang.syntax.names import STATEMENT_WORDS, is_name
from losslang.syntax.parser import parse_expression
from losslang.syntax.read import read_method
from losslang.syntax.tree import (
    Binary,
    Call,
    Comments,
    Definition,
    DefinitionParameter,
    Entry,
    Index,
    Items,
    Keyword,
    Loop,
    Method,
    Name,
    Number,
    Override,
    RecipeOverrides,
    Role,
    Text,
    Unary,
    View,
)
from losslang.syntax.write import expression_lines, write_expression

DRAFTS = Path("/work/shared/design/specs")
SPECS = Path(__file__).parents[2] / "specs"

quick = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))

# ---------------------------------------------------------------- expressions

names = st.one_of(
    st.sampled_from(["z", "views", "batch", "no", "on", "y", "e1", "E", *keyword.kwlist]),
    st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,30}", fullmatch=True),
).filter(is_name)
free_names = names.filter(lambda name: name not in STATEMENT_WORDS)
numbers = st.sampled_from(["0", "1", "1.5", "1e-4", ".5", "2.", "1E+3", "65536"]).map(
    lambda text: Number(int(text) if text.isdigit() else float(text), text)
)
printable = st.text(st.characters(min_codepoint=32, max_codepoint=0x2FF, exclude_categories=["Cc"]), max_size=20)
leaves = st.one_of(
    numbers, st.builds(Name, names, st.integers(0, 2)), st.just(Name("true")), st.builds(Text, printable)
)


def _extend(inner):
    return st.one_of(
        st.builds(Unary, st.sampled_from(["-", "not"]), inner),
        st.builds(
            Binary,
            st.sampled_from(["+", "-", "*", "/", "^", "==", "!=", "<", "<=", ">", ">=", "and", "or"]),
            inner,
            inner,
        ),
        st.builds(Index, inner, inner),
        st.builds(lambda items: Items(tuple(items)), st.lists(inner, max_size=3)),
        st.builds(_call, names, st.lists(inner, max_size=3), st.dictionaries(names, inner, max_size=2)),
        st.builds(
            _loop, names, inner, st.lists(st.builds(Loop, names, inner), min_size=1, max_size=2), inner | st.none()
        ),
    )


def _call(name, arguments, keywords):
    return Call(name, tuple(arguments), tuple(Keyword(*each) for each in keywords.items()))


def _loop(name, body, loops, condition):
    return Call(name, (body,), (), tuple(loops), condition)


expressions = st.recursive(leaves, _extend, max_leaves=25)


def parsed(text):
    report = Report()
    expression = parse_expression(Fragment.whole(Source("x", text)), report)
    assert not report.diagnostics, (text, report.diagnostics)
    return expression


@quick
@given(expressions)
def test_an_expression_reads_as_it_was_written(expression):
    assert parsed(write_expression(expression)) == expression


@quick
@given(expressions, st.integers(0, 40), st.integers(20, 60))
def test_a_broken_expression_reads_the_same_and_breaks_in_brackets_only(expression, lead, room):
    lines = expression_lines(expression, lead, room)
    assert parsed("\n".join(lines)) == expression
    report = Report()
    body = "\n".join(f"  {line}" for line in lines)
    read_method(Source("x.loss", f"method m\nminimize\n  t: {body.strip()}\n"), report)
    assert not report.diagnostics


@quick
@given(expressions)
def test_brackets_are_as_few_as_possible(expression):
    text = write_expression(expression)
    at = text.find("(")
    while at >= 0:
        close = _partner(text, at)
        without = text[:at] + " " + text[at + 1 : close] + " " + text[close + 1 :]
        report = Report()
        other = parse_expression(Fragment.whole(Source("x", without)), report)
        is_call = at > 0 and (text[at - 1].isalnum() or text[at - 1] in "_'")
        assert other != expression or is_call or '"' in text
        at = text.find("(", at + 1)


def _partner(text, at):
    depth = 0
    for place in range(at, len(text)):
        depth += (text[place] == "(") - (text[place] == ")")
        if depth == 0:
            return place
    return len(text) - 1


# ---------------------------------------------------------------- methods

remarks = st.one_of(
    st.sampled_from(["", "a: b # c", "- x", "  deeper", "# twice", "method m", "z = 1", '"""', "{[("]),
    st.text(st.characters(min_codepoint=32, max_codepoint=0x2FF, exclude_categories=["Cc"]), max_size=15),
).map(str.rstrip)
ends = remarks.filter(lambda text: not text.startswith("losslang"))
comments = st.builds(Comments, st.lists(remarks, max_size=2).map(tuple), ends)
simple = st.one_of(leaves.filter(lambda leaf: not isinstance(leaf, Text)), st.recursive(leaves, _extend, max_leaves=30))


def entries(value, min_size=0, key=free_names):
    return st.lists(
        st.builds(Entry, key, value, comments), min_size=min_size, max_size=4, unique_by=lambda each: each.name
    ).map(tuple)


lines = st.text(st.characters(min_codepoint=32, max_codepoint=0x2FF, exclude_categories=["Cc"]), max_size=20)
texts = st.one_of(
    st.sampled_from(["a: b", "null", "2011.10566", "# x", 'a "quoted" \\ text', "'", "true", "- a", "yes", '"""', "é"]),
    lines,
    st.lists(lines, max_size=4).map("\n".join),
).map(str.strip)
plain = st.one_of(
    st.integers(-(2**40), 2**40),
    st.floats(allow_nan=False, allow_infinity=False),
    st.booleans(),
    texts,
    st.sampled_from(["no", "null", "1e3", "~", "a,b", "[", "012", ""]),
)
parameters = st.lists(
    st.builds(
        DefinitionParameter,
        names,
        st.none() | st.lists(st.builds(Name, names, st.integers(0, 1)), min_size=1, max_size=3).map(tuple),
        st.none() | simple,
    ),
    max_size=4,
    unique_by=lambda each: each.name,
).map(lambda found: tuple(sorted(found, key=lambda each: each.default is not None)))
roles = st.builds(
    Role,
    st.lists(names | texts, min_size=1, max_size=2).map(tuple),
    st.dictionaries(names, names, max_size=2).map(lambda d: tuple(d.items())),
)
bodies = simple.filter(lambda value: not isinstance(value, Text))
definitions = st.one_of(
    st.builds(
        Definition,
        name=free_names,
        parameters=parameters,
        roles=st.lists(roles, max_size=2).map(tuple),
        documentation=texts,
        bindings=entries(simple),
        body=bodies,
        comments=comments,
    ),
    st.builds(Definition, name=free_names, comments=comments),
)
paths = st.lists(st.from_regex(r"[A-Za-z_][A-Za-z0-9_-]{0,8}", fullmatch=True), min_size=1, max_size=3).map(tuple)
overrides = st.lists(
    st.builds(Override, paths, st.one_of(plain, st.lists(plain, max_size=3).map(tuple)), comments),
    min_size=1,
    max_size=3,
    unique_by=lambda each: each.path,
).map(tuple)
recipes = st.lists(
    st.builds(RecipeOverrides, st.from_regex(r"[a-z][a-z0-9_-]{0,8}", fullmatch=True), overrides, comments),
    max_size=2,
    unique_by=lambda each: each.recipe,
).map(tuple)
NONE = Comments()


@st.composite
def methods(draw):
    """A method in the form readers give: comments have their one home."""
    headers = {}
    title, paper, notes = draw(texts), draw(texts), draw(texts)
    extends = draw(st.sampled_from(["", "simsiam", "my-own.v2"]))
    for key, present in (("method", True), ("title", title), ("paper", paper), ("notes", notes), ("extends", extends)):
        if present and draw(st.booleans()):
            headers[key] = draw(comments)
    if draw(st.booleans()):
        headers["losslang"] = Comments(after=draw(ends))
    views = draw(
        st.none()
        | st.lists(
            st.builds(View, free_names, st.integers(1, 3)), min_size=1, max_size=4, unique_by=lambda v: v.name
        ).map(tuple)
    )
    if views and draw(st.booleans()):
        headers["views"] = draw(comments)
    elif views and len(views) > 1:
        views = tuple(View(view.name, view.count, draw(comments)) for view in views)
    modes = st.sampled_from(["joint", "separate"])
    forward = draw(st.none() | modes | entries(modes.map(Name), 1))
    if isinstance(forward, str) and draw(st.booleans()):
        headers["forward"] = draw(comments)
    maybe = simple | st.none()
    objective = draw(entries(maybe, 1, names) if not extends else st.none() | entries(maybe, 1, names))
    order = ("losslang", "method", "title", "paper", "notes", "extends", "views", "forward")
    return Method(
        name=draw(st.sampled_from(["m", "my-method", "v2.1"])),
        title=title,
        paper=paper,
        notes=notes,
        extends=extends,
        parameters=draw(entries(maybe)),
        views=views,
        forward=forward,
        networks=draw(entries(maybe)),
        functions=draw(st.lists(definitions, max_size=2, unique_by=lambda each: each.name).map(tuple)),
        define=draw(entries(maybe)),
        objective=objective,
        recipes=draw(recipes),
        head=draw(st.lists(remarks, max_size=2).map(tuple)),
        tail=draw(st.lists(remarks, max_size=2).map(tuple)),
        header_comments=tuple((key, headers[key]) for key in order if headers.get(key, NONE) != NONE),
    )


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(methods())
def test_a_method_reads_as_it_was_written_and_converts_both_ways(method):
    yaml, loss = write_method(method, "yaml"), write_method(method, "loss")
    for name, text in (("m.yaml", yaml), ("m.loss", loss)):
        report = Report()
        read = read_method(Source(name, text), report)
        assert not report.diagnostics, (text, report.diagnostics)
        assert read == method, text
        assert format_text(Source(name, text)) == text
    assert format_text(Source("m.loss", loss), "yaml") == yaml
    assert format_text(Source("m.yaml", yaml), "loss") == loss


def _specs():
    return [path for folder in (DRAFTS, SPECS) if folder.is_dir() for path in sorted(folder.rglob("*.yaml"))]


@pytest.mark.parametrize("path", _specs(), ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_specs_read_and_round_trip(path):
    source = Source(str(path), path.read_text(encoding="utf-8"))
    report = Report()
    method = read_method(source, report)
    assert not report.diagnostics
    assert method is not None
    assert path.is_relative_to(SPECS) or method.name == path.stem
    loss = format_text(source, "loss")
    assert format_text(Source("m.loss", loss), "yaml") == format_text(source)
    for comment in source.text.split("#")[1:]:
        assert comment.split("\n")[0].strip() in loss


# ---------------------------------------------------------------- layout

HEAD = "losslang: 1\nmethod: m\nextends: simsiam\n\n"


@pytest.mark.parametrize(
    "text",
    [
        "parameters: {width: 2048, bottleneck: 512}\n",
        "parameters: {a: -1, b: 1e-4, c: null}\n",
        "parameters:\n  a: 1  # why\n  b: 2\n",
        "parameters:\n  a: cosine(0, 1)\n  b: 2\n",
        "parameters:\n" + "".join(f"  parameter_{i}: 1{i}00\n" for i in range(8)),
        "views: {global: 2, local: 6}  # crops\nforward: joint\n",
        "recipes:\n  toy: {optimizer.lr: 0.01, data.name: moons}\n  digits: {epochs: 3}  # fewer\n",
        "recipes:\n  toy:\n    # why\n    epochs: 3\n",
    ],
)
def test_small_sections_stand_on_one_line(text):
    assert format_text(Source("m.yaml", HEAD + text)) == HEAD + text

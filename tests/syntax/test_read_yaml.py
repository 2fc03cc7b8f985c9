"""The YAML spelling: places, scalars, comments, and what is refused."""

import pytest

from losslang.diagnostics import Report, Source
from losslang.syntax.read import read_method
from losslang.syntax.tree import Call, Comments, Name, Number, Unary, View
from losslang.syntax.walk import walk
from tests.soon import soon

START = "losslang: 1\nmethod: m\nextends: simsiam\n"


def read(text):
    report = Report()
    return read_method(Source("m.yaml", text), report), report.sorted()


def good(text):
    method, found = read(text)
    assert not found
    return method


# ---------------------------------------------------------------- places

STYLES = {
    "plain": "  y: f(abc, z[global])\n",
    "plain on two lines": "  y: f(abc,\n      z[global])\n",
    "single quotes": "  y: 'f(abc, z[global])'\n",
    "single quotes with escapes": "  y: 'f(batch'', abc, z[global])'\n",
    "double quotes": '  y: "f(abc, z[global])"\n',
    "double quotes with escapes": '  y: "f(\\"t\\", \\x61bc, abc,\\tz[global])"\n',
    "double quotes over lines": '  y: "f(abc, \\\n      z[global])"\n',
    "block": "  y: |\n    f(abc,\n      z[global])\n",
    "block with comment": "  y: |  # c\n\n    f(abc,  # d\n      z[global])\n",
    "block, deeper indented": "  y: |\n            f(abc,\n              z[global])\n",
    "block, stripped": "  y: |-\n    f(abc, z[global])\n",
}


@pytest.mark.parametrize("style", STYLES)
def test_spans_point_into_the_file(style):
    method = good(f"{START}define:\n  # é – ü\n{STYLES[style]}")
    value = method.define[0].value
    texts = {node.span.text for node, _ in walk(value)}
    assert {"abc", "z[global]", "global"} <= texts
    assert value.span.text.startswith("f(")
    assert value.span.text.endswith("z[global])")
    assert method.define[0].name_span.text == "y"


def test_spans_in_flow_and_of_headers():
    method = good(
        "losslang: 1\nmethod: m\nextends: k\nviews: {global: 2}\nforward: joint\nparameters: {a: 1, b: 'f(2, c)'}\n"
    )
    assert method.parameters[1].value.arguments[1].span.text == "c"
    assert method.name_span.text == "m"
    assert method.extends_span.text == "k"
    assert method.views_span.text == "{global: 2}"
    assert method.views[0].span.text == "global"


def test_an_error_inside_a_block_points_at_its_character():
    _, (found,) = read(f"{START}define:\n  y: |\n    f(a,\n      b c)\n")
    assert (found.code, found.span.line, found.span.column) == ("E105", 7, 7)


def test_a_definition_inside_a_block_points_at_its_characters():
    method = good(f"{START}functions:\n  f: |\n    @role(a)\n    def f(z: [batch]) =\n        w = z\n        g(w)\n")
    definition = method.functions[0]
    assert (definition.name_span.line, definition.name_span.column) == (7, 9)
    assert (definition.body.span.line, definition.body.span.text) == (9, "g(w)")
    assert definition.roles[0].span.text == "@role(a)"


# ---------------------------------------------------------------- values


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("-1", Unary("-", Number(1, "1"))),
        ("1e-3", Number(1e-3, "1e-3")),
        ("no", Name("no")),
        ("'no'", Name("no")),
        ("true", Name("true")),
        ("'null'", None),
        ("f()", Call("f")),
    ],
)
def test_scalars_are_expressions(text, value):
    method, found = read(f"{START}parameters: {{a: {text}}}\n")
    if value is None:
        assert found[0].code == "E123"
    else:
        assert method.parameters[0].value == value


def test_null_removes():
    method = good(f"{START}networks: {{p: null}}\nfunctions:\n  f: null\nobjective:\n  t: null\n")
    assert method.networks[0].value is None
    assert method.functions[0].body is None
    assert method.objective[0].value is None


def test_settings_of_recipes():
    text = "recipes:\n  toy:\n    optimiser: {lr: 1e-3, name: sgd}\n    data.size: 12\n"
    text += "    ok: [true, 'no', -1, 0.5]\n    s: '12'\n"
    (recipe,) = good(START + text).recipes
    assert {".".join(each.path): each.value for each in recipe.overrides} == {
        "optimiser.lr": 1e-3,
        "optimiser.name": "sgd",
        "data.size": 12,
        "ok": (True, "no", -1, 0.5),
        "s": "12",
    }


def test_views_and_forward():
    method = good(f"{START}views:\n  - a\n  - b\nforward:\n  encoder: joint\n")
    assert method.views == (View("a"), View("b"))
    assert method.forward[0].value == Name("joint")


def test_a_file_with_windows_line_ends_and_a_mark_reads_the_same():
    text = f"{START}define:\n  y: |\n    f(a,\n      b)\n# c\n"
    assert read("\ufeff" + text.replace("\n", "\r\n")) == read(text)


# ---------------------------------------------------------------- comments


def test_comments_go_where_they_belong():
    method = good(
        "# head 1\n\n# head 2\n"
        "losslang: 1  # version\n"
        "# above method\n"
        "method: m  # m\n"
        "views: [a, b]  # views\n"
        "# above the section\n"
        "parameters: {p: 1, q: 2}  # of the line\n"
        "networks:  # heads\n"
        "  # above encoder\n"
        "  encoder: backbone   # its line\n"
        "  projector: |  # behind the bar\n"
        "    mlp(2,  # inside\n"
        "        3)\n"
        "\n"
        "  # above the next section\n"
        "define:\n"
        "  z: f(x)  # z\n"
        "  w: 'f(# no comment)'\n".replace("(# no comment)", "(x)")
        + "objective:\n  t: z   # end # twice\n"
        "# tail\n"
    )
    assert method.head == ("head 1", "head 2")
    assert dict(method.header_comments) == {
        "losslang": Comments(after="version"),
        "method": Comments(("above method",), "m"),
        "views": Comments(after="views"),
    }
    assert method.parameters[0].comments == Comments(("above the section", "of the line"))
    assert method.networks[0].comments == Comments(("heads", "above encoder"), "its line")
    assert method.networks[1].comments == Comments(("inside",), "behind the bar")
    assert method.define[0].comments == Comments(("above the next section",), "z")
    assert method.objective[0].comments == Comments((), "end # twice")
    assert method.tail == ("tail",)


def test_comments_inside_a_flow_mapping():
    method = good(f"{START}parameters: {{\n  a: 1,  # one\n  # above b\n  b: 2  # two\n}}  # all\n")
    assert method.parameters[0].comments == Comments((), "one")
    assert method.parameters[1].comments == Comments(("above b", "all"), "two")


def test_warnings_are_answered_in_comments():
    method = good(f"# losslang: allow(W104)\n{START}define:\n  y: |\n    f(a)  # losslang: allow(W105, W106)\n")
    assert method.allow == {"W104", "W105", "W106"}


# ---------------------------------------------------------------- what is refused

WRONG = [
    ("parameters: {a: &x 1}", "E507", "&x", "quotes"),
    ("parameters: {a: *x}", "E507", "*x", "quotes"),
    ("parameters: {a: !int 1}", "E507", "!", "quotes"),
    ("parameters:\n  <<: {a: 1}", "E507", "<<", "write the entries out"),
    ("define:\n  y: >-\n    z", "E508", ">", "`|`"),
    ("---\na: 1", "E509", "---", "second"),
    ("networs: {a: b}", "E510", "networs", "did you mean `networks`?"),
    ("zzz: 1", "E510", "zzz", "the keys are"),
    ("networks:", "E511", "networks", "no value"),
    ("networks: {}", "E511", "{}", "leave the key out"),
    ("networks:\n  p:", "E511", "p", "not `null`"),
    ("title:", "E511", "title", "a text"),
    ("networks: [a]", "E512", "[a]", "list"),
    ("networks: null", "E512", "null", "mapping"),
    ("define:\n  y: [view, batch]", "E512", "[view, batch]", "quotes"),
    ("define:\n  y: {a: 1}", "E512", "{a: 1}", "quotes"),
    ("title: {a: 1}", "E512", "{a: 1}", "a text"),
    ("functions: {f: 2}", "E149", "2", None),
    ("networks: {p: mlp(512, 2048)}", "E513", "mlp(512, 2048)", "{p: 'mlp(512, 2048)'}"),
    ("parameters: {a: 1, t: f(1, g(2, 3)), b: 2}", "E513", "f(1, g(2, 3))", "quote it"),
    ("networks: {p: z[a]}", "E513", "[", "quotes"),
    ("define:\n  [a]: 1", "E514", "[a]", "name"),
    ("define:\n  1a: z", "E135", "1a", "not a name"),
    ("define:\n  in: z", "E135", "in", "word of the expression language"),
    ("define:\n  view: z", "E135", "view", "begins a statement"),
    ("networks: {method: backbone}", "E135", "method", "begins a statement"),
    ("define:\n  a: z\n  a: y", "E134", "a", "twice"),
    ("define:\n  y: ~", "E517", "~", "`null`"),
    ("define:\n  y: Null", "E517", "Null", "`null`"),
    ("recipes: {toy: {a: no}}", "E517", "no", "`false`"),
    ("recipes: {toy: {a: 012}}", "E517", "012", "quotes"),
    ("recipes: {toy: {a: 1_0}}", "E517", "1_0", "quotes"),
    ("recipes: {toy: {a: 1:30}}", "E517", "1:30", "quotes"),
    ("recipes: {toy: {a: 0x10}}", "E517", "0x10", "decimal"),
    ("recipes: {toy: {a: .inf}}", "E517", ".inf", "finite"),
    ("recipes: {toy: {a: [[1]]}}", "E512", "[[1]]", "list of those"),
    ("recipes: {toy: 3}", "E512", "3", "mapping"),
    ("parameters: {a: 0x10}", "E112", "0x10", "`16`"),
    ("parameters: {a: 1_000}", "E112", "1_000", "`1000`"),
    ("views: {a: 0}", "E144", "0", "between 1 and 1000"),
    ("views: {a: 1001}", "E144", "1001", "between 1 and 1000"),
    ("views: {a: two}", "E144", "two", "whole number"),
    ("views: {a: '2'}", "E144", "'2'", "whole number"),
    ("views: [a, a]", "E134", "a", "twice"),
    ("views: []", "E511", "[]", "empty"),
    ("views: [global: 2, local: 6]", "E512", "[global: 2, local: 6]", "{global: 2, local: 6}"),
    ("define:\n  - y: z", "E512", "- y: z", "leave the `-` out"),
    ("define:\n  y = z", "E512", "y = z", "write `y: …`"),
    ("define:\n  y: -", "E505", "-", "item of a list"),
    ("define:\n  y: |z|", "E505", "z", "abs(x)"),
    ("functions:\n  f: |\n    f(x) = x", "E149", "f", "`def f(…) = …`"),
    ("functions:\n  f: |\n    def f(x): x", "E138", ":", "no `:`"),
    ("networks:\npredictor: identity", "E511", "networks", "indent"),
    ("Title: t", "E510", "Title", "did you mean `title`?"),
    ("define:\n  y: '# mean(z)'", "E101", "'# mean(z)'", "comment"),
    ("define:\n  y:\n    a: 1", "E512", "a: 1", "behind the colon"),
    ("define:\n  " + "q" * 2000 + ": 1", "E505", "q" * 2000, "100 characters"),
    ("recipes: {toy: {a: 0.1 * 2}}", "E146", "0.1 * 2", "result"),
    ("recipes: {toy: {a: 1/2}}", "E146", "1/2", "result"),
    ("define: {y: f(z[a], b)}", "E513", "f(z[a], b)", "{y: 'f(z[a], b)'}"),
    ("parameters: {a: 1", "E505", "{", "add `}`"),
    ("parameters: {a: 1, # less\n  b: 2 # as before }", "E505", "{", "comment holds the `}`"),
    ("notes: !!python/name:os [a]", "E507", "!", "quotes"),
    ("define:\n  y: *weight f(z)", "E507", "*weight", "quotes"),
    ("title: 'It's SimSiam'", "E505", "s", "''"),
    ('title: "a "b" c"', "E505", "b", "quote"),
    ("define: {b: [*x, *y, *z]}", "E507", "*x", "quotes"),
    ("views: a", "E512", "a", "list of names"),
    ("forward: together", "E145", "together", "separate"),
    ("forward: {encoder: jiont}", "E145", "jiont", "did you mean `joint`?"),
    ("title: a: b", "E505", ":", "quotes"),
    ("title: 'a", "E505", "'", "not closed"),
    ("title: @a", "E505", "@", "quotes"),
    ("define:\n\ty: 1", "E505", "\t", "spaces"),
    ("define:\n  y: 1\n x: 2", "E505", None, "align"),
    ("title: a\x00b", "E504", "\x00", "U+0000"),
    ("title: a\u2028b", "E504", "\u2028", "U+2028"),
    ("title: a\rb", "E504", "\r", "U+000D"),
    ("# losslang: alow(W104)", "E148", "# losslang: alow(W104)", "not known"),
    ("functions:\n  f: |\n    def g(x) = x", "E147", "g", "def f(…)"),
    ("functions:\n  f: |\n    def f(x) = x\n    def g(x) = x", "E138", "g", "second"),
]


@pytest.mark.parametrize(
    ("text", "code", "place", "phrase"), WRONG, ids=[row[0][:30].encode("unicode_escape").decode() for row in WRONG]
)
def test_a_wrong_document_is_told_why(text, code, place, phrase):
    _, found = read(START + text + "\n")
    first = found[0]
    assert (len(found), first.code) == (1, code), found
    assert place is None or first.span.text == place
    assert phrase is None or phrase in f"{first.message} {first.label} {first.help}"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "E506"),
        ("# nothing", "E506"),
        ("- a\n", "E506"),
        ("just a text\n", "E506"),
        ("null\n", "E506"),
        ("method: m\nextends: k\n", "E516"),
        ("losslang: 2\nmethod: m\nextends: k\n", "E143"),
        ("losslang: '1'\nmethod: m\nextends: k\n", None),
        ("losslang: 1\nextends: k\n", "E141"),
        ("Losslang: 1\nmethod: m\nextends: k\n", "E510"),
        ("losslang: 1\nMethod: m\nextends: k\n", "E510"),
        ("losslang: 1\nmethod: m\nExtends: k\n", "E510"),
        ("# text form\nmethod m\nextends k\n", "E518"),
        ("losslang 1\nmethod m\nminimize\n  t: z\n", "E518"),
        ("losslang: 1\nmethod: m\n", "E142"),
        ("losslang: 1\nmethod: ../m\nextends: k\n", "E135"),
        ("losslang: 1\nmethod: m\nextends: a/b\n", "E135"),
        ("%YAML 1.2\n---\n" + START, "E509"),
        ("---\n" + START, None),
    ],
)
def test_the_frame_of_a_file(text, code):
    _, found = read(text)
    assert [each.code for each in found] == ([code] if code else [])


def test_all_independent_errors_are_told_at_once():
    _, found = read(
        "losslang: 1\nmethod: m\nparametrs: {a: 1}\nnetworks:\n  p: mlp(2,\n  q: 2x\n"
        "define:\n  y: a b\n  y: c\nviews: {a: 0}\nobjective:\n  t: z[:, 0]\n  u: null\n"
    )
    assert [each.code for each in found] == ["E510", "E103", "E112", "E105", "E134", "E144", "E110"]


def test_what_stands_before_broken_yaml_is_checked_too():
    _, found = read("losslang: 1\nmethod: m\ndefine:\n  y: a b\n  w: 'open\n")
    assert [each.code for each in found] == ["E105", "E505"]


@pytest.mark.parametrize(
    "text",
    [
        "a: &a [x]\n" + "".join(f"b{i}: &b{i} [*a, *a]\n" for i in range(50)),
        START + "define: " + "[" * 50_000,
        START + "define: " + "{a: " * 15_000,
        "- " * 30_000,
        "? " * 30_000,
        START + "define:\n" + "".join(" " * (i + 1) + "a:\n" for i in range(300)),
        START + "notes: |\n" + "  x\n" * 16_000,
        START + "title: '" + "''" * 30_000,
        START + "define:\n  y: f(" + "a, " * 20_000,
        START + "define:\n" + "".join(f"  a{i}: b c\n" for i in range(4000)),
        START + "#" * 60_000,
        START + "a" * 60_000 + ": 1",
        "x" * 1_000_000,
        START + "define: {" + "a, " * 20_000 + "}",
        START + "define: {" + "a: b, " * 10_000 + "}",
    ],
    ids=range(15),
)
def test_hostile_files_end_soon(text):
    with soon(2):
        read(text)


def test_what_could_not_be_read_is_named():
    method, _ = read(
        "losslang: 1\nmethod: m\nviews: {v: 0, w: 2}\nnetworks: {e: backbone, p: mlp(1, 2)}\nfunctions: {f: 2}\n"
        "define:\n  y:\n  z: [a]\n  o: fine\nobjective:\n  t: a b\n"
    )
    assert method.broken == {"v", "p", "f", "y", "z"}  # terms have a namespace of their own

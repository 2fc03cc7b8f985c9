"""The text spelling: statements, layout, comments, and what is refused."""

import pytest

from losslang.diagnostics import Report, Source
from losslang.syntax.fragment import Fragment
from losslang.syntax.layout import blocks, logical_lines
from losslang.syntax.read import read_method
from losslang.syntax.tokens import tokenize
from losslang.syntax.tree import Binary, Call, Comments, Entry, Name, Number, Override, View

START = "method m\nextends simsiam\n"


def read(text):
    report = Report()
    return read_method(Source("m.loss", text), report), report.sorted()


def good(text):
    method, found = read(text)
    assert not found
    return method


SIMSIAM = """
method simsiam "Exploring Simple Siamese Representation Learning"
paper "arXiv:2011.10566"

parameter width = 2048
parameter bottleneck = 512

network encoder   = backbone
network projector = mlp(width, width, width, norm=batchnorm, last_norm=batchnorm(affine=false))
network predictor = mlp(bottleneck, width, norm=batchnorm)

z = projector(encoder(x))
p = predictor(z)

minimize
  align: mean(alignment(p[u], stopgrad(z[v])) for u in views for v in views if u != v)
"""


def test_the_two_spellings_of_simsiam_are_one_method():
    yaml = (
        "losslang: 1\nmethod: simsiam\ntitle: Exploring Simple Siamese Representation Learning\n"
        "paper: arXiv:2011.10566\nparameters: {width: 2048, bottleneck: 512}\nnetworks:\n  encoder: backbone\n"
        "  projector: mlp(width, width, width, norm=batchnorm, last_norm=batchnorm(affine=false))\n"
        "  predictor: mlp(bottleneck, width, norm=batchnorm)\ndefine:\n  z: projector(encoder(x))\n  p: predictor(z)\n"
        "objective:\n  align: mean(alignment(p[u], stopgrad(z[v])) for u in views for v in views if u != v)\n"
    )
    report = Report()
    assert read_method(Source("simsiam.yaml", yaml), report) == good(SIMSIAM)
    assert not report.diagnostics


def test_every_statement():
    method = good(
        'losslang 1\nmethod my-own.v2\ntitle "T"\nnotes """\n  first\n    second\n"""\nextends simsiam\n'
        "view global = 2, local\nforward encoder = joint\nremove parameter a\nremove network b\nremove def c\n"
        "remove value d\nminimize\n  one: z\n  remove term two\n  remove: z\nremove term three\n"
        'recipe toy\n  optimiser.lr = 1e-3\n  a-b = [x, "y z", -1, true]\n'
    )
    assert (method.name, method.title, method.notes) == ("my-own.v2", "T", "first\n  second")
    assert method.views == (View("global", 2), View("local"))
    assert method.forward == (Entry("encoder", Name("joint")),)
    removed = [method.parameters[0], method.networks[0], method.define[0]]
    assert [(each.name, each.value) for each in removed] == [("a", None), ("b", None), ("d", None)]
    assert method.functions[0].body is None
    assert [term.name for term in method.objective] == ["one", "two", "remove", "three"]
    assert method.objective[1].value is None
    assert method.recipes[0].overrides == (
        Override(("optimiser", "lr"), 1e-3),
        Override(("a-b",), ("x", "y z", -1, True)),
    )


def test_definitions():
    method = good(
        START + "# above\n@role(decentering,\n  mechanism=variance)  # of the role\n@role(other)\n"
        "def f(z: [batch, feature'], eps=1e-4, target = 1) =  # of the head\n"
        '    """Text of\n    two lines."""\n'
        "    # above m\n    m = mean(z,  # inside m\n        over=batch)  # behind m\n"
        "    -m / eps  # of the value\n"
        "def g(x) = x^2\n"
    )
    f, g = method.functions
    assert [role.names for role in f.roles] == [("decentering",), ("other",)]
    assert f.roles[0].options == (("mechanism", "variance"),)
    z, eps, target = f.parameters
    assert z.axes == (Name("batch"), Name("feature", 1))
    assert (eps.default, target.default) == (Number(1e-4, "1e-4"), Number(1, "1"))
    assert f.documentation == "Text of\ntwo lines."
    assert f.bindings[0].comments == Comments(("above m", "inside m"), "behind m")
    assert f.comments == Comments(("above", "of the role", "of the value"), "of the head")
    assert g.body == Binary("^", Name("x"), Number(2, "2"))
    assert g.span.text == "def g(x) = x^2"


def test_comments_go_where_they_belong():
    method = good(
        "# head\n\nlosslang 1\n# above m\nmethod m  # m\n# above p\nparameter p = 1  # p\n"
        "view a  # a\n# above b\nview b\n\n# above y\ny = f(a,  # inside\n  b)  # y\n"
        "# above minimize\nminimize  # behind\n  # above t\n  t: y  # t\n\n# tail\n"
    )
    assert (method.head, method.tail) == (("head",), ("tail",))
    assert dict(method.header_comments) == {"method": Comments(("above m",), "m")}
    assert method.parameters[0].comments == Comments(("above p",), "p")
    assert [view.comments for view in method.views] == [Comments((), "a"), Comments(("above b",))]
    assert method.define[0].comments == Comments(("above y", "inside"), "y")
    assert method.objective[0].comments == Comments(("above minimize", "behind", "above t"), "t")


def test_names_of_python_are_names_here():
    method = good(START + "lambda = 1\nclass = f(import, lambda=global)\nparameters = 2\n")
    assert [entry.name for entry in method.define] == ["lambda", "class", "parameters"]


def test_allow():
    assert good("# losslang: allow(W104, W105)\n" + START).allow == {"W104", "W105"}


# ---------------------------------------------------------------- layout


def lines_of(text):
    report = Report()
    lines, _ = logical_lines(tokenize(Fragment.whole(Source("x", text))))
    found = blocks(lines, report)
    return [(len(block.head.tokens), len(block.body)) for block in found], [each.code for each in report.diagnostics]


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("a = b\nc = d\n", [(3, 0), (3, 0)]),
        ("a = (b\n+ c\n)\nd = e\n", [(7, 0), (3, 0)]),
        ("a = f(\n\n  # why\n  b,\nc)\n", [(8, 0)]),
        ('notes """\na = b\n  c\n"""\nd = e\n', [(2, 0), (3, 0)]),
        ("minimize\n  a: b\n\n  # c\n  d: e\nf = g\n", [(1, 2), (3, 0)]),
        ("def f(x) =\n    y = x\n    y\n@role(a)\ndef g(x) = x\n", [(6, 2), (5, 0), (7, 0)]),
        # A bracket left open ends where an entry begins, so that the lines below are read as themselves.
        ("a = f(b\nc = d\n", [(5, 0), (3, 0)]),
        ("a = f(b\nnetwork c = d\n", [(5, 0), (4, 0)]),
        ("a = f(b\nminimize\n  c: d\n", [(5, 0), (1, 1)]),
        ("minimize\n  a: f(b\n  c: d\n", [(1, 2)]),
        ('a = """b\nc = d\n', [(4, 0), (3, 0)]),
        # Deeper lines stay inside, also when they look like an entry.
        ("a = f(b,\n  over=c)\n", [(10, 0)]),
    ],
)
def test_statements_are_cut_from_lines(text, shape):
    assert lines_of(text) == (shape, [])


@pytest.mark.parametrize("below", ["    + c", "+ c", "    c", "* c", "    )", "  for u in v", ", c"])
def test_a_line_that_continues_points_at_the_line_above(below):
    _, found = read(f"{START}y = (a +\n  b)\n{below}\nw = c\n")
    (first,) = found
    assert first.code == "E131"
    assert (first.span.line, first.span.text) == (4, "b)")
    assert first.labels[0].span.line == 5
    assert "wrap it in brackets" in first.help


@pytest.mark.parametrize("body", ["    a +\n    b\n", "    m = a\n      + b\n    m\n", "    a\n      b\n"])
def test_a_line_that_continues_inside_a_definition(body):
    _, found = read(f"{START}def f(a, b) =\n{body}")
    assert found[0].code in {"E131", "E139"}
    assert found[0].span.line == 4


# ---------------------------------------------------------------- what is refused

WRONG = [
    ("netwrk p = mlp(2)", "E130", "netwrk", "did you mean `network`?"),
    ("minimise\n  a: b", "E130", "minimise", "did you mean `minimize`?"),
    ("define:\n  a: b", "E130", "define", ".yaml"),
    ("align: z", "E130", "align", "below `minimize`"),
    ("f(x)", "E130", "f", "name = expression"),
    (")", "E130", ")", None),
    ("network p mlp(2)", "E133", "network p mlp(2)", "network projector = "),
    ("parameter = 2", "E135", "parameter", "begins a statement"),
    ("view = 2", "E135", "view", "begins a statement"),
    ("view a b", "E133", None, "view a, b"),
    ("view a = two", "E144", "two", "whole number"),
    ("view a, a", "E134", "a", "twice"),
    ("forward", "E133", "forward", "forward joint"),
    ("title “A study”", "E111", "“", "typographic"),
    ('title "A study', "E119", '"A study', "never closed"),
    ("parameter my-weight = 2", "E135", "my-weight", "`my_weight`"),
    ("parameter width: 512", "E133", ":", "written with `=`"),
    ("minimize\n  t = z\n  u = z", "E133", "=", "write `t: …`"),
    ("minimize t: z", "E133", None, "`minimize`, and its terms on"),
    ("@role(decentring)\ndef f(z) = z", "E140", "decentring", "did you mean `decentering`?"),
    ("for = 1", "E135", "for", "`for_`"),
    ("let t = 1", "E130", "let", "by its name alone"),
    ("// why", "E130", "//", "begins with `#`"),
    ("y := 2", "E130", "y", "`y = …`"),
    ("function f(x) = x", "E130", "function", "did you mean `def`?"),
    ("objective\n  t: z", "E130", "objective", "did you mean `minimize`?"),
    ("y = 1\n  w = 2", "E131", "w", "left margin"),
    ("forward jiont", "E145", "jiont", "did you mean `joint`?"),
    ("paper x", "E133", "paper x", "arXiv"),
    ('paper ""', "E133", '""', "empty"),
    ('"""', "E130", '"""', None),
    ("remove z", "E133", "remove z", "remove parameter x"),
    ("remove view z", "E133", None, "remove parameter x"),
    ("y = 1\ny = 2", "E134", "y", "twice"),
    ("for = 1", "E135", "for", "word of the expression language"),
    ("2 = 1", "E135", "2", "not a name"),
    ("y =", "E101", "=", "missing"),
    ("y = null", "E123", "null", "remove value z"),
    ("method k", "E136", "method", "one statement"),
    ("minimize a: b", "E133", "minimize a: b", "indented lines below"),
    ("minimize", "E137", "minimize", "indented"),
    ("minimize\n  mean(z)", "E133", "mean(z)", "needs a name"),
    ("recipe toy", "E137", "toy", "no settings"),
    ("recipe toy\n  lr", "E133", "lr", "name = value"),
    ("recipe toy\n  lr = no", "E517", "no", "`false`"),
    ("recipe toy\n  lr = 2 * 3", "E146", "2 * 3", "double quotes"),
    ("recipe toy\n  a b = 3", "E135", "a b", "setting"),
    ("def f = x", "E138", "f", "def name("),
    ("def f(x) x", "E138", "x", "`=` is missing"),
    ("def f(x) =", "E138", "def f(x) =", "no value"),
    ("def f(x", "E103", "(", "never closed"),
    ("def f(z: batch) = z", "E138", "batch", "[batch, feature]"),
    ("def f(2) = z", "E138", "2", "parameters"),
    ("def f(z=1 2) = z", "E105", "1 2", "operator"),
    ("def f(x, x) = x", "E134", "x", "twice"),
    ("def f(x) =\n    y = x", "E139", "y =", "ends with its value"),
    ("def view(x) = x", "E135", "view", "begins a statement"),
    ("def f(x) =\n    a = x\n    a = x\n    a", "E134", "a", "twice"),
    ("@role(a)", "E140", "@role(a)", "no definition"),
    ("@role\ndef f(x) = x", "E140", "@role", "mechanism="),
    ("@role(2)\ndef f(x) = x", "E140", "@role(2)", "mechanism="),
    ("\ty = 1", "E132", "\t", "spaces"),
    ("minimize\n\ta: b", "E132", "\t", "spaces"),
    ("losslang 2", "E143", "2", "losslang 1"),
    ("extends a/b", "E136", None, None),
]


@pytest.mark.parametrize(("text", "code", "place", "phrase"), WRONG, ids=[row[0][:24] for row in WRONG])
def test_a_wrong_text_is_told_why(text, code, place, phrase):
    _, found = read(START + text + "\n")
    first = next((each for each in found if each.code == code), None)
    assert first is not None, found
    assert place is None or first.span.text == place
    assert phrase is None or phrase in f"{first.message} {first.label} {first.help}"


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("", ["E506"]),
        ("# only\n", ["E506"]),
        ("extends k\n", ["E141"]),
        ("method m\n", ["E142"]),
        ("method\nextends k\n", ["E133"]),
        ("  method m\nextends k\n", ["E131", "E141"]),
        ("import torch\nclass A(B):\n    def f(x):\n", ["E130", "E130"]),
        ("losslang: 1\nmethod: m\n", ["E518"]),
        ("# c\n\nmethod: m\nextends: simsiam\n", ["E518"]),
        ("+ a\nmethod m\nextends k", ["E130"]),
    ],
)
def test_the_frame_of_a_file(text, codes):
    assert [each.code for each in read(text)[1]] == codes


def test_all_independent_errors_are_told_at_once():
    _, found = read(
        "method m\nnetwork p = mlp(2,\nnetwork q = 2x\ny = a b\nw = c +\nminimize\n  t: f(z[:, 0])\n  u: g(\n  v: ok\nzz ww\n"
    )
    assert [each.code for each in found] == ["E103", "E112", "E105", "E102", "E110", "E103", "E130"]


def test_with_errors_the_rest_can_still_be_used():
    method, found = read(START + "y = a b\nw = f(c)\n")
    assert found
    assert method.define == (Entry("w", Call("f", (Name("c"),))),)


def test_what_could_not_be_read_is_named():
    method, _ = read(
        START
        + "network p mlp(2)\nnetwork q = 2x\nparameter r = (\ny = a +\n  b\ndef f(x) =\nminimize\n  t: a b\n  u: c\n    + d\n"
    )
    assert method.broken == {"p", "q", "r", "y", "f"}  # terms have a namespace of their own

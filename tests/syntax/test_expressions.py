"""Expressions: what they mean as trees, where their parts stand, and what is said about wrong ones."""

import pytest

from losslang.diagnostics import Report, Source
from losslang.syntax.fragment import Fragment
from losslang.syntax.limits import MAX_DEPTH, MAX_TOKENS
from losslang.syntax.parser import parse_expression
from losslang.syntax.tree import Binary, Call, Index, Items, Keyword, Loop, Name, Number, Text, Unary
from losslang.syntax.walk import walk

a, b, c, u, v, z = map(Name, "abcuvz")


def parse(text):
    report = Report()
    expression = parse_expression(Fragment.whole(Source("x", text)), report)
    assert (expression is None) == report.has_errors
    return expression, report.diagnostics


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("1e-4", Number(1e-4, "1e-4")),
        (".5", Number(0.5, ".5")),
        ("65536", Number(65536, "65536")),
        ("batch''", Name("batch", 2)),
        ("lambda", Name("lambda")),
        ("-z^2", Unary("-", Binary("^", z, Number(2, "2")))),
        ("a^b^c", Binary("^", a, Binary("^", b, c))),
        ("a^-b", Binary("^", a, Unary("-", b))),
        ("a - b - c", Binary("-", Binary("-", a, b), c)),
        ("a / b * c", Binary("*", Binary("/", a, b), c)),
        ("-a * b", Binary("*", Unary("-", a), b)),
        ("a + b * c", Binary("+", a, Binary("*", b, c))),
        ("not a == b and c", Binary("and", Unary("not", Binary("==", a, b)), c)),
        ("a or b and c", Binary("or", a, Binary("and", b, c))),
        ("(a)", a),
        ("z[a + b][c]", Index(Index(z, Binary("+", a, b)), c)),
        ("[a, b,]", Items((a, b))),
        ("[]", Items(())),
        ("f()", Call("f")),
        ("f(a, b=c,)", Call("f", (a,), (Keyword("b", c),))),
        ("f(for_=1, not_=2)", Call("f", (), (Keyword("for_", Number(1, "1")), Keyword("not_", Number(2, "2"))))),
        (
            "f(z for u in a + b for v in c if u != v and u < v)",
            Call(
                "f",
                (z,),
                (),
                (Loop("u", Binary("+", a, b)), Loop("v", c)),
                Binary("and", Binary("!=", u, v), Binary("<", u, v)),
            ),
        ),
        ('f("a \\"b\\" \\\\ \\n")', Call("f", (Text('a "b" \\ \n'),))),
        ('"""raw \\lambda"""', Text("raw \\lambda")),
        ("f(a,  # why\n  b\n)", Call("f", (a, b))),
    ],
)
def test_an_expression_is_this_tree(text, tree):
    assert parse(text) == (tree, [])


def test_every_node_spans_its_text():
    text = "0.5 * mean((a + b)^2 - f(z[u], over=[view, batch']) for u in views if not u == a)"
    tree, _ = parse(text)
    found = {type(node).__name__ + ":" + node.span.text for node, _ in walk(tree)}
    assert {
        f"Binary:{text}",
        "Number:0.5",
        "Binary:(a + b)",
        "Binary:(a + b)^2",
        "Index:z[u]",
        "Call:f(z[u], over=[view, batch'])",
        "Items:[view, batch']",
        "Name:batch'",
        "Unary:not u == a",
    } <= found
    call = next(node for node, _ in walk(tree) if isinstance(node, Call) and node.function == "f")
    assert call.function_span.text == "f"
    assert call.keywords[0].span.text == "over=[view, batch']"
    loop = next(node for node, _ in walk(tree) if isinstance(node, Call) and node.loops).loops[0]
    assert loop.span.text == "u"
    assert loop.domain.span.text == "views"


# The wrong expression, its code, the text under the caret, and a phrase of the message or the help.
WRONG = [
    ("", "E101", "", "missing"),
    ("# only this", "E101", "# only this", "all of it is a comment"),
    ("a +", "E102", "+", "ends after `+`"),
    ("not", "E102", "not", "ends after"),
    ("mean(z", "E103", "(", "never closed"),
    ("f([a, b) + (c", "E104", ")", "cannot close `[`"),
    ("[a, b", "E103", "[", "add `]`"),
    ("f(a) + g(b, h(c)", "E103", "(", "add `)`"),
    ("z)", "E104", ")", "closes nothing"),
    ("z]", "E104", "]", "closes nothing"),
    ("mean(z[a)]", "E104", ")", "cannot close `[`"),
    ("2 x", "E105", "2 x", "`2 * x`"),
    ("2(a + b)", "E105", "2(", "operator"),
    ("f(a b)", "E105", "a b", "operator or a comma"),
    ("[view batch]", "E105", "view batch", "comma"),
    ("a not b", "E105", "a not", "operator"),
    ("f(a) b", "E105", "b", "operator"),
    ("f(a, , b)", "E106", ",", "value is missing"),
    ("a * / b", "E106", "* /", "value is missing"),
    ("+a", "E106", "+", "leave it out"),
    ("()", "E106", "()", "empty"),
    ("z[]", "E106", "[]", "view"),
    ("f(=2)", "E106", "=", "before `=`"),
    ("a < b < c", "E107", "<", "u < v and v < w"),
    ("a == b != c", "E107", "!=", "chained"),
    ("a = b", "E108", "=", "named argument"),
    ("f(x for u in v if u = w)", "E108", "=", "named argument"),
    ("x**2", "E109", "**", "`^`"),
    ("x @ y", "E109", "@", "dot(x, y"),
    ("x // y", "E109", "//", "`/`"),
    ("a && b", "E109", "&&", "`and`"),
    ("!a", "E109", "!", "`not`"),
    ("{a}", "E109", "{", "braces"),
    ("f(a; b)", "E109", ";", "commas"),
    ("f(a: b)", "E109", ":", "no meaning"),
    ("z[:, 0]", "E110", ":", "slices"),
    ("z[a:b]", "E110", ":", "slices"),
    ("z.mean()", "E110", ".mean", "`mean(z)`"),
    ("z.T", "E110", ".T", "transposed"),
    ("z.detach()", "E110", ".detach", "stopgrad(z)"),
    ("z[a].softmax()", "E110", ".softmax", "`softmax(…)`"),
    ("torch.relu(z)", "E110", "torch.", "leave out `torch.`"),
    (".inf", "E112", ".inf", "finite"),
    ("-.NaN", "E112", ".NaN", "finite"),
    ("f(a, b c=d)", "E105", "c", "comma is missing before `c=`"),
    ("f(x for u in v if u ! w)", "E109", "!", "`!=`"),
    ("a += b", "E109", "+=", "there is no `+=`"),
    ("f(x for u, v in views)", "E116", ",", "`for u in views for v in views`"),
    ("99.6%", "E109", "99.6%", "`0.996`"),
    ("a % b", "E109", "%", "remainder"),
    ("mlp 512", "E105", "mlp 512", "`mlp(512, …)`"),
    ("return x", "E110", "return", "leave it out"),
    ("a,", "E129", ",", "leave it out"),
    ("f(a for u in v, w in x)", "E116", ",", "`for u in views for v in views`"),
    ("0,5", "E129", ",", "`0.5`"),
    ("\\frac", "E109", "\\", "a / b"),
    ("f(lambda x: x)", "E110", "lambda", "without a name"),
    ("a if b else c", "E110", "if", "where="),
    ("[u for u in v]", "E110", "for", "loop"),
    ("“a”", "E111", "“", "typographic"),
    ("ａ + b", "E111", "ａ", "write `a`"),
    ("λ * x", "E111", "λ", "`lambda`"),
    ("x × y", "E111", "×", "`*`"),
    ("x − y", "E111", "−", "`-`"),
    ("x²", "E111", "²", "x^2"),
    ("1..2", "E112", "1..2", "not a number"),
    ("1e", "E112", "1e", "not a number"),
    ("1_000", "E112", "1_000", "`1000`"),
    ("0x10", "E112", "0x10", "`16`"),
    ("012", "E112", "012", "`12`"),
    ("2x", "E112", "2x", "`2 * x`"),
    ("1e999", "E113", "1e999", "range"),
    ("1e-999", "E113", "1e-999", "range"),
    ("9" * 20, "E113", "9" * 20, "range"),
    ("a for u in v", "E116", "for", "reduction"),
    ("f(a, b for u in v)", "E116", "for", "alone"),
    ("f(b for u in v, over=batch)", "E116", ",", "alone"),
    ("f(b for u in v if c if d)", "E116", "if", "`and`"),
    ("f(b for u in v if c for w in x)", "E116", "for", "before its `if`"),
    ("f(x for u v)", "E116", "v", "`in` is missing"),
    ("u in v", "E116", "in", "loops only"),
    ("f(a=1, b)", "E117", "b", "come before"),
    ("f(a=1, -b)", "E117", "-", "come before"),
    ("f(a=1, a=2)", "E117", "a=2", "twice"),
    ("f(x)(y)", "E118", "(", "only a name"),
    ("a'(x)", "E118", "a'", "prime"),
    ("f(over'=x)", "E118", "over'", "prime"),
    ("f(x for u' in v)", "E118", "u'", "prime"),
    ('"abc', "E119", '"abc', "never closed"),
    ('"""abc', "E119", '"""', "never closed"),
    ("'abc'", "E119", "'abc'", "`abc`"),
    ("'a b'", "E119", "'", "double quotes"),
    ('"a\\q"', "E119", "\\q", "means nothing"),
    ("a == not b", "E120", "not", "brackets"),
    ("z[a, b]", "E121", ",", "z[a + b]"),
    ("f(x for in v)", "E122", "in", "new name"),
    ("f(in=2)", "E122", "in", "word of the language"),
    ("for", "E122", "for", "word of the language"),
    ("f(null)", "E123", "null", "remove value"),
    ("a, b", "E129", ",", "list"),
]


@pytest.mark.parametrize(("text", "code", "place", "phrase"), WRONG, ids=[row[0][:20] for row in WRONG])
def test_a_wrong_expression_is_told_why(text, code, place, phrase):
    expression, (found,) = parse(text)
    assert expression is None
    assert (found.code, found.span.text) == (code, place)
    assert phrase in f"{found.message} {found.label} {found.help}"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("(" * 5000 + ")" * 5000, "E115"),
        ("(" * 500 + ")" * 500, "E114"),
        ("f(" * 150 + ")" * 150, "E114"),
        ("a" + " + a" * MAX_DEPTH, "E114"),
        ("-" * 200 + "a", "E114"),
        ("a" + "^a" * 200, "E114"),
        ("a" + "[u]" * 200, "E114"),
        ("f(" + "a, " * MAX_TOKENS + ")", "E115"),
        ("z" * 100_000 + " +", "E102"),
        ("9" * 100_000, "E113"),
        ("1" + "_" * 100_000, "E112"),
    ],
)
def test_what_is_too_deep_or_too_long_is_refused(text, code):
    _, (found,) = parse(text)
    assert found.code == code


def test_a_wide_expression_is_fine():
    expression, _ = parse("f(" + ", ".join(["a"] * 1000) + ")")
    assert len(expression.arguments) == 1000

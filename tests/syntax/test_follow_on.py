"""One mistake is one message: what only follows from parts that could not be read stays silent, all else is said."""

import pytest

from losslang.diagnostics import Report, Source
from losslang.pipeline import check
from losslang.syntax.read import read_method

THREE_MORE = "  c: mean(zz)\n  d: mean(first(z, 9999, over=feature))\n  e: mean(z, over=batch, wheree=1)\n"
YAML = "losslang: 1\nmethod: m\nextends: simsiam\n"


def codes(tmp_path, name, text):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return [(each.code, each.span.text) for each in check(path)]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("networks:\n  predictor: mlp(256,, 512)\ndefine:\n  p: predictor(z)\n", "E106"),
        ("networks:\n  mine: mlp(256,, 512)\nforward: {mine: joint}\ndefine:\n  f: mine(z)\n", "E106"),
        ("views: {a: 1.5, b: 1}\ndefine:\n  f: mean(z[a])\n", "E144"),
        ("views: [global, 2]\ndefine:\n  f: mean(z[v] for v in local)\n", "E135"),
        ("functions:\n  mine: |\n    def mine(x) = x[0:1]\ndefine:\n  f: mine(z)\n", "E110"),
        ("functons:\n  mine: |\n    def mine(x) = x\ndefine:\n  f: mine(z)\n", "E510"),
        ("networks:\nmine: mlp(8)\ndefine:\n  f: mean(mine(z))\n", "E511"),
    ],
)
def test_one_syntax_error_leaves_the_others_to_be_seen(tmp_path, text, code):
    found = codes(tmp_path, "m.yaml", f"{YAML}{text}{THREE_MORE}")
    assert [each for each, _ in found] == [code, "E201", "E307", "E203"], found


def test_the_same_in_the_text_form(tmp_path):
    more = "c = mean(zz)\nd = mean(first(z, 9999, over=feature))\n"
    for wrong in ("netwrk p = mlp(8)\nf = p(z)\n", "def g(z) = (z\nf = g(z)\n", "view a b\nf = mean(z[c])\n"):
        found = codes(tmp_path, "m.loss", f"method m\nextends simsiam\n{wrong}{more}minimize\n  t: mean(y)\n")
        assert [code for code, _ in found[1:]] == ["E201", "E307", "E201"], found


def test_where_names_are_lost_missing_ones_stay_silent(tmp_path):
    rest = "objective:\n  t: mean(nothing) + mean(z, over=batsh)\n"
    for wrong in ("networks: [encoder]\n", "define: *x\n", "extends: ../simsiam\n"):
        text = YAML.replace("extends: simsiam\n", "") if "extends" in wrong else YAML
        found = codes(tmp_path, "m.yaml", text + wrong + rest)
        assert len(found) == 2
        assert found[1] == ("E315", "batsh")


def test_a_broken_term_is_no_missing_objective(tmp_path):
    for text in ("losslang: 1\nmethod: m\nobjective:\n  t: a b\n", "losslang: 1\nmethod: m\n"):
        assert len(codes(tmp_path, "m.yaml", text)) == 1
    assert len(codes(tmp_path, "m.loss", "method m\nminimize\n  t: a b\n")) == 1


@pytest.mark.parametrize(
    ("text", "names", "sections"),
    [
        ("define:\n  y: a b\n  w: z", {"y"}, set()),
        ("define:\n  y: a\ndefine:\n  w: a\n  v: b", {"w", "v"}, set()),
        ("define: [a]", set(), {"define"}),
        ("define:\n  <<: 2\n  w: a", set(), {"define"}),
        ("views: [a, 1b]", set(), {"views"}),
        ("views: {a: 1, b: x}", {"b"}, {"views"}),
        ("views: []", set(), {"views"}),
        ("objective:\n  t: a\n  u: a b", set(), {"objective"}),
        ("parametrs: {a: 1}", {"a", "parametrs"}, set()),
        ("define:\n  y: 'a", {"y"}, {"define", "networks", "functions", "parameters", "views", "objective"}),
    ],
)
def test_what_a_document_lost(text, names, sections):
    method = read_method(Source("m.yaml", f"{YAML}{text}\n"), Report())
    assert (method.broken, method.unread) == (names, sections)

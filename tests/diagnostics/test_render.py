"""The look of messages: language.md's example to the letter, and whatever a source may hold."""

import copy
import json
import pickle
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from losslang.diagnostics import NOWHERE, Diagnostic, Label, Source, Span, SpecError
from losslang.diagnostics.render import render_json, render_text, wants_color
from losslang.diagnostics.snippet import WIDTH

MINE = Source(
    "specs/mine.yaml",
    """\
losslang: 1
method: mine

# who wins?

networks:
  encoder: backbone
  projector: mlp(512, 256)
  predictor: mlp(512, 512)
define:
  z: projector(encoder(x))
  p: predictor(z)
objective:
  align: alignment(p[a], stopgrad(z[b]))
""",
)


def at(source, text):
    start = source.text.index(text)
    return Span(source, start, start + len(text))


def mismatch(label="", **changes):
    labels = (
        Label(at(MINE, "p[a]"), "feature=512, from predictor (line 9)"),
        Label(at(MINE, "z[b]"), "feature=256, from projector (line 8)"),
    )
    fields = {
        "code": "E301",
        "message": "alignment compares vectors of different size",
        "span": at(MINE, "alignment(p[a], stopgrad(z[b]))"),
        "label": label,
        "labels": labels,
        "help": "give predictor the output size 256: mlp(512, 256)",
    }
    return Diagnostic(**(fields | changes))


def one(source, span, label="here"):
    return render_text([Diagnostic("E100", "wrong", span, label)]).rsplit("\n\n", 1)[0]


def test_the_example_of_the_language():
    assert (
        render_text([mismatch()])
        == """\
specs/mine.yaml:14:10: error[E301]: alignment compares vectors of different size
   14 |   align: alignment(p[a], stopgrad(z[b]))
      |                    ^^^^           ^^^^ feature=256, from projector (line 8)
      |                    feature=512, from predictor (line 9)
   help: give predictor the output size 256: mlp(512, 256)

1 error; `losslang explain E301` says more
"""
    )


def test_a_place_with_words_keeps_its_carets_and_overlapping_ones_go_below():
    assert (
        render_text([mismatch(label="this call", help="")])
        == """\
specs/mine.yaml:14:10: error[E301]: alignment compares vectors of different size
   14 |   align: alignment(p[a], stopgrad(z[b]))
      |          ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ this call
      |                    ^^^^           ^^^^ feature=256, from projector (line 8)
      |                    feature=512, from predictor (line 9)

1 error; `losslang explain E301` says more
"""
    )


def test_three_labels_on_a_line_hang_below_each_other():
    labels = tuple(Label(at(MINE, text), f"about {text}") for text in ("alignment", "p[a]", "z[b]"))
    assert (
        "\n".join(render_text([mismatch(labels=labels, help="")]).splitlines()[1:5])
        == """\
   14 |   align: alignment(p[a], stopgrad(z[b]))
      |          ^^^^^^^^^ ^^^^           ^^^^ about z[b]
      |          |         about p[a]
      |          about alignment"""
    )


def test_labels_elsewhere_have_snippets_of_their_own():
    base = Source("base.yaml", "parameters: {width: 9}\n")
    labels = (
        Label(at(MINE, "mlp(512, 512)"), "512"),
        Label(at(base, "width"), "set here"),
        Label(NOWHERE, "the recipe says 64"),
    )
    assert (
        render_text([mismatch(label="compared here", labels=labels)])
        == """\
specs/mine.yaml:14:10: error[E301]: alignment compares vectors of different size
   14 |   align: alignment(p[a], stopgrad(z[b]))
      |          ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ compared here
    9 |   predictor: mlp(512, 512)
      |              ^^^^^^^^^^^^^ 512
   in base.yaml:1:14
    1 | parameters: {width: 9}
      |              ^^^^^ set here
   note: the recipe says 64
   help: give predictor the output size 256: mlp(512, 256)

1 error; `losslang explain E301` says more
"""
    )


def test_several_messages_are_counted():
    warning = Diagnostic("W104", "`encoder` never trains", at(MINE, "encoder"))
    assert render_text([warning, mismatch(), mismatch()]).endswith(
        "\n\n2 errors, 1 warning; `losslang explain E301` says more\n"
    )
    assert render_text([warning, warning]).endswith("\n\n2 warnings; `losslang explain W104` says more\n")
    assert render_text([]) == ""


def test_thousands_of_messages_are_counted_but_not_all_shown():
    text = render_text([mismatch()] * 1234)
    assert text.count("error[E301]") == 100
    assert text.endswith("1234 errors (the first 100 are shown); `losslang explain E301` says more\n")


def test_nowhere_and_empty_files_have_no_snippet():
    assert one(None, NOWHERE, "") == "error[E100]: wrong"
    empty = Source("empty.yaml", "")
    assert one(empty, Span(empty, 0, 0)) == "empty.yaml:1:1: error[E100]: wrong"


@pytest.mark.parametrize(
    ("text", "part", "snippet"),
    [
        pytest.param("a: (", "", "    1 | a: (\n      |     ^ here", id="empty span at the end of the text"),
        pytest.param("a: (\n", "\n", "    1 | a: (\n      |     ^ here", id="a line break"),
        pytest.param("a: (b\n  c)\nd", "(b\n  c)", "    1 | a: (b\n      |    ^^ here", id="several lines: the first"),
        pytest.param("a: b\r\nc: d\r\n", "c", "    2 | c: d\n      | ^ here", id="Windows line ends"),
        pytest.param("\tbad\tx", "bad", "    1 |     bad x\n      |     ^^^ here", id="tabs"),
        pytest.param("日本 bad", "bad", "    1 | 日本 bad\n      |      ^^^ here", id="wide characters before"),
        pytest.param("日本", "本", "    1 | 日本\n      |   ^^ here", id="wide characters under"),
        pytest.param("e\u0301 bad", "bad", "    1 | e\u0301 bad\n      |   ^^^ here", id="combining characters"),
        pytest.param("a\u200bbad", "\u200b", "    1 | a\\u{200b}bad\n      |  ^^^^^^^^ here", id="zero-width space"),
        pytest.param("\x1b[2Jbad", "bad", "    1 | \\u{1b}[2Jbad\n      |          ^^^ here", id="terminal control"),
        pytest.param("a\xa0bad", "bad", "    1 | a\\u{a0}bad\n      |        ^^^ here", id="no-break space"),
        pytest.param("\u202ebad", "bad", "    1 | \\u{202e}bad\n      |         ^^^ here", id="text direction"),
    ],
)
def test_carets_stand_under_their_characters(text, part, snippet):
    source = Source("f", text)
    span = at(source, part) if part else Span(source, len(text), len(text))
    assert one(source, span).partition("\n")[2] == snippet


def test_the_end_of_a_file_is_a_line_of_its_own():
    source = Source("f", "a: 1\n")
    assert one(source, Span(source, 5, 5)) == "f:2:1: error[E100]: wrong\n    2 |\n      | ^ here"


def test_long_lines_are_cut_around_the_caret():
    source = Source("f", "y" * 5000 + "bad" + "z" * 5000)
    row, carets = one(source, at(source, "bad")).splitlines()[1:]
    assert len(row) == WIDTH
    assert row.startswith("    1 | …y")
    assert row.endswith("z…")
    assert row[carets.index("^") :].startswith("badz")
    assert carets.endswith("^^^ here")
    assert carets.count("^") == 3


def test_far_places_on_one_long_line_each_have_a_snippet():
    source = Source("f", "first" + "." * 5000 + "last")
    diagnostic = Diagnostic("E100", "wrong", at(source, "last"), "two", (Label(at(source, "first"), "one"),))
    rows = render_text([diagnostic]).splitlines()
    assert rows[1].endswith("..last")
    assert rows[2].endswith("^^^^ two")
    assert rows[3].startswith("    1 | first..")
    assert rows[4] == "      | ^^^^^ one"


def test_nothing_in_a_message_reaches_the_terminal_raw():
    source = Source("\x1b]0;f\x07", "a")
    diagnostic = Diagnostic("E100", "\x1b[2J", Span(source, 0, 1), "\x9b1m", help="one\n\x1btwo")
    assert render_text([diagnostic]) == (
        "\\u{1b}]0;f\\u{7}:1:1: error[E100]: \\u{1b}[2J\n"
        "    1 | a\n"
        "      | ^ \\u{9b}1m\n"
        "   help: one\n"
        "         \\u{1b}two\n"
        "\n"
        "1 error; `losslang explain E100` says more\n"
    )


texts = st.text(st.characters() | st.sampled_from("\t\n\r\x1b日\u0301\u200b "), min_size=1, max_size=400)


@given(texts, st.data())
def test_any_text_any_place(text, data):
    source = Source("f", text)
    places = [sorted(data.draw(st.tuples(*[st.integers(0, len(text))] * 2))) for _ in range(3)]
    spans = [Span(source, *place) for place in places]
    diagnostic = Diagnostic("E100", "wrong", spans[0], "x", tuple(Label(span, "y") for span in spans[1:]))
    rendered = render_text([diagnostic])
    assert rendered.replace("\n", "").isprintable()
    assert " x\n" in rendered
    json.loads(render_json([diagnostic]))


@given(st.integers(0, 3000), st.integers(0, 3000), st.sampled_from("ab日\t\u0301\x1b"))
def test_a_cut_line_keeps_its_width_and_its_caret(before, after, filler):
    source = Source("f", filler * before + "!" + filler * after)
    row, carets = one(source, at(source, "!"), "").splitlines()[1:]
    cells = [0 if character == "\u0301" else 2 if character == "日" else 1 for character in row]
    assert sum(cells) <= WIDTH
    column = sum(cells[: row.index("!")])
    assert carets == "      |" + " " * (column - 7) + "^"


def test_color_wraps_pieces_and_changes_no_word():
    colored = render_text([mismatch(label="this call")], color=True)
    assert "\x1b[1;31merror[E301]\x1b[0m" in colored
    assert re.sub(r"\x1b\[[0-9;]*m", "", colored) == render_text([mismatch(label="this call")])


@pytest.mark.parametrize(
    ("terminal", "environment", "wanted"),
    [
        (True, {}, True),
        (True, {"NO_COLOR": ""}, True),
        (True, {"NO_COLOR": "1"}, False),
        (True, {"TERM": "dumb"}, False),
        (False, {}, False),
    ],
)
def test_color_is_for_terminals_that_want_it(terminal, environment, wanted, monkeypatch):
    class Stream:
        def isatty(self):
            return terminal

    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert wants_color(Stream()) is wanted


def test_json_has_every_field():
    document = json.loads(render_json([mismatch(), Diagnostic("W104", "odd", NOWHERE)]))
    assert (document["errors"], document["warnings"]) == (1, 1)
    error, warning = document["diagnostics"]
    assert error == {
        "code": "E301",
        "severity": "error",
        "message": "alignment compares vectors of different size",
        "file": "specs/mine.yaml",
        "line": 14,
        "column": 10,
        "end_line": 14,
        "end_column": 41,
        "label": "",
        "labels": [
            {
                "file": "specs/mine.yaml",
                "line": 14,
                "column": column,
                "end_line": 14,
                "end_column": column + 4,
                "text": text,
            }
            for column, text in (
                (20, "feature=512, from predictor (line 9)"),
                (35, "feature=256, from projector (line 8)"),
            )
        ],
        "help": "give predictor the output size 256: mlp(512, 256)",
    }
    assert warning["severity"] == "warning"
    assert [warning[name] for name in ("file", "line", "column", "end_line", "end_column")] == [None] * 5


def test_an_exception_reads_as_its_diagnostics():
    assert str(SpecError([mismatch()])) == render_text([mismatch()])


def test_errors_travel_between_processes():
    error = SpecError([mismatch()])
    for again in (pickle.loads(pickle.dumps(error)), copy.deepcopy(error)):
        assert [found.code for found in again.diagnostics] == ["E301"]
        assert str(again) == str(error)

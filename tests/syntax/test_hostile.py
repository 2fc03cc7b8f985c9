"""Whatever the input, the answer is a diagnostic or a method, and soon: fuzzing and one wrong token at a time."""

import os
import random
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from losslang.diagnostics import Report, Source, SpecError
from losslang.diagnostics.render import render_text
from losslang.syntax.codes import CODES
from losslang.syntax.format import format_text
from losslang.syntax.fragment import Fragment
from losslang.syntax.load import decode, load_source
from losslang.syntax.parser import parse_expression
from losslang.syntax.read import MAX_CHARACTERS, read_method
from losslang.syntax.tokens import tokenize
from tests.soon import soon

fuzz = settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))

SPEC = """# head
losslang: 1
method: m
views: {global: 2, local: 6}
parameters: {t: 0.1}
networks:
  encoder: backbone  # c
functions:
  f: |
    @role(a, b=c)
    def f(z: [batch], eps=1e-4) =
        m = mean(z, over=[view, batch'])
        m ^ eps
define:
  z: 'f(encoder(x))'
objective:
  align: -mean(dot(z[u], z[v]) / t for u in global for v in views if u != v and not u == a)
recipes: {toy: {lr: 1e-3}}
"""
LOSS = format_text(Source("m.yaml", SPEC), "loss")


def check(name, text):
    """Reads, and holds what was found against the promises on diagnostics."""
    report = Report()
    method = read_method(Source(name, text), report)
    for each in report.diagnostics:
        assert each.code in CODES
        places = [each.span, *(label.span for label in each.labels)]
        assert all(0 <= place.start <= place.end <= len(place.source.text) for place in places)
        assert each.message
    assert method is not None or report.has_errors
    render_text(report.sorted())
    return report


# ---------------------------------------------------------------- one wrong token at a time


def _mutants(text, seed):
    """The text with one token dropped, doubled, swapped with its neighbour, or replaced by another."""
    tokens = [each for each in tokenize(Fragment.whole(Source("x", text))) if each.type != "COMMENT"]
    draw = random.Random(seed)
    others = [
        "(",
        ")",
        "[",
        "]",
        ",",
        "+",
        "-",
        "^",
        "=",
        "==",
        ":",
        "for",
        "in",
        "if",
        "not",
        "2",
        "x'",
        '"',
        "'",
        "@",
        "{",
        "#",
        "null",
        "λ",
        "\t",
        "- ",
        "&a ",
        "| ",
        "\n",
        "\n  ",
    ]
    for at, token in enumerate(tokens):
        yield text[: token.start] + text[token.end :]
        yield text[: token.end] + " " + token.text + text[token.end :]
        yield text[: token.start] + draw.choice(others) + text[token.end :]
        yield text[: token.start] + draw.choice(others) + text[token.start :]
        if at + 1 < len(tokens):
            other = tokens[at + 1]
            yield text[: token.start] + other.text + text[token.end : other.start] + token.text + text[other.end :]


@pytest.mark.parametrize(("name", "text"), [("m.yaml", SPEC), ("m.loss", LOSS)])
def test_every_wrong_token_is_answered_in_place(name, text):
    wrong = 0
    for mutant in _mutants(text, seed=1):
        report = check(name, mutant)
        wrong += report.has_errors
        if not report.has_errors:
            assert format_text(Source(name, mutant))
    assert wrong > 200


EXPRESSION = "-a * mean(f(p[u], g=[view, batch'])^2 - 1e-4 for u in a + b for v in c if u != v and not d)"


def test_wrong_tokens_in_an_expression_are_never_answered_in_general_words():
    """E129 is for what no rule knows; one token at a time, that is rare."""
    general = 0
    count = 0
    for seed in range(5):
        for mutant in _mutants(EXPRESSION, seed):
            report = Report()
            parse_expression(Fragment.whole(Source("x", mutant)), report)
            assert len(report.diagnostics) <= 2
            count += 1
            general += any("does not fit here" in each.message for each in report.diagnostics)
    assert general == 0, f"{general} of {count}"


# ---------------------------------------------------------------- anything

PIECES = st.sampled_from(
    ["losslang: 1\n", "method: m\n", "method m\n", "objective:\n", "minimize\n", "define:\n", "  z: ", "  ", "\n", "def f(x) =",
     "@role(a)\n", "{", "}", "[", "]", "(", ")", "a", "b", ": ", " = ", ", ", "|\n", ">", "&a ", "*a", "'", '"', '"""', "#", "\t",
     "\\", "1", "1e", ".", "-", "- ", "? ", "!x ", "---\n", "%", "null", "for u in v", " if ", "view ", "recipe toy\n", "é",
     "\x00", "\ufeff", "\r\n", "\u2028", "views: ", "recipes:\n", "functions:\n", "remove ", "notes "]
)  # fmt: skip


@fuzz
@given(st.lists(PIECES, max_size=40).map("".join), st.sampled_from(["m.yaml", "m.loss"]))
def test_pieces_in_any_order_never_raise(text, name):
    check(name, text)


@fuzz
@given(
    st.text(max_size=60), st.sampled_from(["m.yaml", "m.loss"]), st.sampled_from(["", SPEC, LOSS]), st.integers(0, 900)
)
def test_any_text_inside_a_spec_never_raises(text, name, spec, at):
    check(name, spec[:at] + text + spec[at:])


@fuzz
@given(st.binary(max_size=80), st.integers(0, 600))
def test_any_bytes_never_raise(data, at):
    whole = SPEC.encode()
    report = Report()
    source = decode(whole[:at] + data + whole[at:], "m.yaml", report)
    assert (source is None) == report.has_errors
    render_text(report.sorted())
    if source is not None:
        check("m.yaml", source.text)


@fuzz
@given(st.lists(PIECES, max_size=25).map("".join), st.integers(0, 900))
def test_what_reads_also_formats(text, at):
    try:
        once = format_text(Source("m.loss", LOSS[:at] + text + LOSS[at:]))
    except SpecError:
        return
    assert format_text(Source("m.loss", once)) == once


N = MAX_CHARACTERS - 100
LARGE = {
    "calls": "y = " + "(" * N,
    "open brackets": "y = (\n" * (N // 6),
    "statements": "a\n" * (N // 2),
    "continuations": " a\n" * (N // 3),
    "operators": "+ a\n" * (N // 4),
    "quotes": '"""\n' * (N // 4),
    "roles": "@role(a)\n" * (N // 9),
    "definitions": "def f(x) =\n" * (N // 11),
    "lines of a body": "def f(x) =\n" + " a\n" * (N // 3),
    "terms": "minimize\n" + " a: b\n" * (N // 6),
    "views": "view " + "a," * (N // 2),
    "tabs": "\tx\n" * (N // 3),
    "letters": "é" * N,
    "points": "y = " + "1." * (N // 2),
    "items": "".join(f"a{i} = f({'a,' * 900})\n" for i in range(N // 1812)),
    "comments": "y = f(" + "#\n" * (N // 2 - 10) + ")",
    "one name": "a" * N + " = b",
}


@pytest.mark.parametrize("kind", LARGE)
def test_large_texts_are_answered_soon(kind):
    with soon(2):
        check("m.loss", "method m\nextends k\n" + LARGE[kind])


# ---------------------------------------------------------------- files


def loaded(path):
    report = Report()
    source = load_source(path, report)
    return source, [each.code for each in report.diagnostics], report


def test_files_that_cannot_be_read(tmp_path):
    (tmp_path / "simsiam.yaml").write_text(SPEC, encoding="utf-8")
    assert loaded(tmp_path / "simsiam.yaml")[0].text == SPEC
    assert "did you mean" in loaded(tmp_path / "simsaim.yaml")[2].diagnostics[0].help
    assert "simsiam.yaml" in loaded(tmp_path)[2].diagnostics[0].help
    os.mkfifo(tmp_path / "pipe.yaml")
    for name in ("simsaim.yaml", "no/such.yaml", "", "a\0b", "pipe.yaml", "x" * 5000):
        assert loaded(tmp_path / name)[1] == ["E501"]
    assert loaded("/dev/zero")[1] == ["E501"]
    (tmp_path / "empty").mkdir()
    for name in ("/dev/zero", tmp_path / "byol.loss", tmp_path / "empty" / "a.yaml", tmp_path / "none" / "a.yaml"):
        assert loaded(name)[2].diagnostics[0].help
    assert "simsiam.yaml" in loaded(tmp_path / "quite_another.yaml")[2].diagnostics[0].help


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"x" * 1_000_000, "E502"),
        ("é".encode("latin-1"), "E503"),
        (SPEC.encode("utf-16"), "E503"),
        (SPEC.encode("utf-32"), "E503"),
        (SPEC.encode("utf-16-le"), "E504"),
        (b"\x00", "E504"),
        (b"\xed\xa0\x80", "E503"),
    ],
)
def test_bytes_that_are_no_text(tmp_path: Path, data, code):
    path = tmp_path / "m.yaml"
    path.write_bytes(data)
    source, codes, _ = loaded(path)
    assert (source, codes) == (None, [code])


def test_a_file_of_another_ending_is_refused():
    report = Report()
    assert read_method(Source("m.txt", SPEC), report) is None
    assert report.diagnostics[0].code == "E518"


def test_more_than_a_hundred_errors_are_counted():
    report = check("m.loss", "method m\nextends k\n" + "".join(f"a{i} = b c\n" for i in range(500)))
    assert len(report.diagnostics) == 100
    assert report.diagnostics[-1].code == "E519"

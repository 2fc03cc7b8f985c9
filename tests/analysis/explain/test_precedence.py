"""What is written means what was read: random arithmetic is written in both forms, read back and computed."""

import re
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from losslang.analysis.explain.notation.formula import (
    Big,
    Numeral,
    Power,
    Prefix,
    Quotient,
    Root,
    Symbol,
    added,
    negated,
    product,
    quotient,
)
from losslang.analysis.explain.notation.latex import latex
from losslang.analysis.explain.notation.unicode import unicode

pytestmark = pytest.mark.filterwarnings(
    "ignore:Generating overly large repr"
)  # some formulas are long when spelled out

VALUES = {"a": 2.0, "b": 3.0, "c": 0.7, "alpha": 1.3, "width": 5.0}

leaves = st.sampled_from(sorted(VALUES)).map(lambda name: (Symbol(name), VALUES[name])) | st.integers(1, 9).map(
    lambda number: (Numeral(str(number)), float(number))
)


def grow(parts):
    pair = st.tuples(parts, parts)
    return st.one_of(
        pair.map(lambda p: (added(p[0][0], p[1][0]), p[0][1] + p[1][1])),
        pair.map(lambda p: (added(p[0][0], p[1][0], minus=True), p[0][1] - p[1][1])),
        pair.map(lambda p: (product(p[0][0], p[1][0]), p[0][1] * p[1][1])),
        pair.filter(lambda p: abs(p[1][1]) > 1e-3).map(lambda p: (quotient(p[0][0], p[1][0]), p[0][1] / p[1][1])),
        parts.map(lambda p: (negated(p[0]), -p[1])),
        parts.filter(lambda p: abs(p[1]) < 1e6).map(lambda p: (Power(p[0], Numeral("2")), p[1] ** 2)),
        parts.filter(lambda p: p[1] > 0).map(lambda p: (Root(p[0]), p[1] ** 0.5)),
        parts.map(lambda p: (Prefix("log", p[0]), logarithm(p[1]))),
        parts.map(lambda p: (Big("sum", (Symbol("i"),), p[0]), total(p[1]))),
    )


def logarithm(x):
    """Any function will do, if both sides take the same."""
    return x / (1 + abs(x))


def total(x):
    """As little linear, so that it matters how far a sign reaches."""
    return 3 * x / (2 + abs(x))


formulas = st.recursive(leaves, grow, max_leaves=12)


# ---------------------------------------------------------------- reading back


RAISED = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789", strict=True))
SPELLINGS = [
    (r"\\left|\\right|\\[Bb]igl|\\[Bb]igr", ""),
    (r"\\cdot|·", "*"),
    (r"−", "-"),
    (r"\\mathrm\{width\}", "width"),
    (r"\\alpha|α", "alpha"),
    (r"\\tfrac\{1\}\{2\}|½", "0.5"),
    (r"\\sum_\{i\}|Σᵢ", " SUM "),
    (r"\\log", " log "),
    (r"\\sqrt|√", " ROOT "),
    (r"\\frac", "FRAC"),
    (r"[⁰¹²³⁴⁵⁶⁷⁸⁹]+", lambda found: "^{" + "".join(RAISED[c] for c in found[0]) + "}"),
]


class Reader:
    """Computes what a mathematician reads: big signs reach over a product, functions to the next value."""

    def __init__(self, text):
        text = unicodedata.normalize("NFC", text)
        for pattern, replacement in SPELLINGS:
            text = re.sub(pattern, replacement, text)
        self.tokens = re.findall(r"[A-Za-z]+|[\d.]+|\S", text)

    def next(self):
        return self.tokens[0] if self.tokens else ""

    def take(self):
        return self.tokens.pop(0)

    def all(self):
        value = self.sum()
        assert not self.tokens
        return value

    def sum(self):
        sign = -1 if self.next() == "-" and self.take() else 1
        value = sign * self.product()
        while self.next() in {"+", "-"}:
            sign = 1 if self.take() == "+" else -1
            value += sign * self.product()
        return value

    def product(self):
        value = self.factor()
        while self.next() not in {"", "+", "-", ")", "}", "]"}:
            if self.next() == "/":
                self.take()
                value /= self.factor()
            else:
                if self.next() == "*":
                    self.take()
                value *= self.factor()
        return value

    def factor(self):
        if self.next() == "SUM":
            self.take()
            return total(self.product())
        if self.next() == "log":
            self.take()
            return logarithm(self.factor())
        return self.power()

    def power(self):
        value = self.atom()
        while self.next() == "^":
            self.take()
            value **= self.atom()
        return value

    def atom(self):
        token = self.take()
        if token in {"(", "{", "["}:
            value = self.sum()
            assert self.take() in {")", "}", "]"}
            return value
        if token == "FRAC":
            return self.atom() / self.atom()
        if token == "ROOT":
            return self.atom() ** 0.5
        return VALUES[token] if token in VALUES else float(token)


def near(one, two):
    return abs(one - two) <= 1e-9 * max(1, abs(one), abs(two))


@settings(max_examples=400)  # with fewer, a bracket that is left out may stay unseen
@given(formulas)
def test_unicode_means_what_it_says(pair):
    formula, value = pair
    assert near(Reader(unicode(formula)).all(), value), unicode(formula)


@settings(max_examples=400)  # with fewer, a bracket that is left out may stay unseen
@given(formulas)
def test_latex_means_what_it_says(pair):
    formula, value = pair
    assert near(Reader(latex(formula)).all(), value), latex(formula)


def test_brackets_are_few():
    a, b, c = map(Symbol, "abc")
    assert unicode(added(product(a, b), c)) == "a b + c"
    assert unicode(product(a, added(b, c))) == "a (b + c)"
    assert unicode(added(a, added(b, c, minus=True))) == "a + b − c"
    assert unicode(added(a, added(b, c), minus=True)) == "a − (b + c)"
    assert unicode(Power(Quotient(a, b), Numeral("2"))) == "(a/b)²"
    assert unicode(product(negated(a), b)) == "−a b"
    assert unicode(product(Big("sum", (Symbol("i"),), a), b)) == "(Σᵢ a) b"
    assert unicode(Prefix("log", Big("sum", (Symbol("i"),), a))) == "log Σᵢ a"

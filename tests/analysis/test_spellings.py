"""Methods that ship, spelled otherwise, are the same mathematics; near misses are not."""

import os
import random

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from losslang.algebra.canonical import labels_of
from losslang.algebra.digest import Digests
from losslang.analysis.structure.mechanisms import find_mechanisms
from losslang.diagnostics import SpecError
from losslang.meaning.evaluate import evaluate
from losslang.pipeline import small
from losslang.questions import canonical_hash, diff
from losslang.shipped import shipped_specs
from tests.algebra.worlds import draws, leaves, settled, world
from tests.analysis.spellings import MISSES, SPELLINGS, loaded, released, rename, reorder, whole
from tests.methods import method as method_of
from tests.methods import shipped

EXAMPLES = int(os.environ.get("LOSSLANG_SPELLINGS", "40"))

NAMES = sorted(shipped_specs())


def possible(method, spelling="loss"):
    """The typed method of a tree, where it is one of the language."""
    try:
        return loaded(method, spelling)
    except SpecError:
        assume(False)


def respelled(spec, ways, seed, spelling="loss"):
    """A method spelled otherwise."""
    method, drawn = whole(spec), random.Random(seed)
    for way in ways:
        method = way(method, spec, drawn)
    return possible(method, spelling)


@settings(max_examples=EXAMPLES)
@given(
    name=st.sampled_from(NAMES),
    ways=st.lists(st.sampled_from(SPELLINGS), min_size=1, max_size=4),
    spelling=st.sampled_from(["yaml", "loss"]),
    seed=st.integers(0, 10_000),
)
def test_another_spelling_is_the_same_mathematics(name, ways, spelling, seed):
    spec = shipped(name)
    found = diff(spec, respelled(spec, ways, seed, spelling))
    assert found.answer == "same mathematics", found.text()
    assert {row.kind for row in found.changed} <= {"name"}


def mechanisms(spec):
    """What is found, and in how many terms."""
    return sorted((found.mechanism.name, len(found.terms)) for found in find_mechanisms(spec))


@settings(max_examples=EXAMPLES)
@given(
    name=st.sampled_from(NAMES),
    ways=st.lists(st.sampled_from(SPELLINGS), min_size=1, max_size=3),
    seed=st.integers(0, 10_000),
)
def test_another_spelling_has_the_same_mechanisms(name, ways, seed):
    spec = shipped(name)
    assert mechanisms(respelled(spec, ways, seed)) == mechanisms(spec)


SAME_MECHANISM = [
    ("center penalty", ["norm(s)^2", "dot(s, s)", "sum(s * s)", "sum((2 * s)^2) / 4", "sum(s / (1 / s))"]),
    (
        "second order",
        ["mean(c^2)", "mean(c * c)", "mean(c * 0.5 * c)", "mean((c - same(feature)) * (c - same(feature)))"],
    ),
    ("variance", ["mean((d - 1)^2)", "mean((d - 1) * (d - 1))", "mean((1 - d)^2)", "mean(relu(1 - d))"]),
    ("negatives", ["mean(log(sum(exp(p), over=batch')))", "mean(log(2 * sum(exp(p), over=batch') + 1 - 1))"]),
    ("triplet negatives", ["mean(relu(p - 1))", "mean(relu(0.5 + 2 * p))"]),
]


@pytest.mark.parametrize(
    ("name", "spellings"), SAME_MECHANISM, ids=lambda value: value if isinstance(value, str) else ""
)
def test_a_mechanism_is_found_in_every_spelling(name, spellings):
    given_ = "s = mean(z[a], over=batch)\nc = cov(z[a], ddof=1)\nd = std(z[a], over=batch, ddof=1)\np = similarity(z[a], z[b])\n"
    for spelling in spellings:
        found = find_mechanisms(method_of(f"{given_}minimize\n  term: {spelling}\n"))
        assert name in {each.mechanism.name for each in found}, spelling


@pytest.mark.parametrize("spelling", ["mean(1 / d)", "mean(d^-1 * d^-1)", "0 * mean(d^2)", "mean(d^2) * 0 + mean(z)"])
def test_no_mechanism_is_found_where_there_is_none(spelling):
    spec = method_of(f"d = std(z[a], over=batch, ddof=1)\nminimize\n  term: {spelling}\n")
    assert not find_mechanisms(spec)


@pytest.mark.parametrize("name", NAMES)
def test_names_and_order_leave_the_hash(name):
    method = whole(shipped(name))
    for way in (rename, reorder):
        method = way(method, shipped(name), random.Random(1))
    assert canonical_hash(loaded(method)) == canonical_hash(shipped(name))


def same_numbers(one, two):
    """Whether two methods have equal values of the whole loss on random embeddings, paired by what they are."""
    one, two = small(one), small(two)
    texts = [[Digests(labels_of(spec)).of(node) for node in leaves(spec)] for spec in (one, two)]
    assume(sorted(texts[0]) == sorted(texts[1]))
    arrays = draws(one, 1)
    matched = [arrays[texts[0].index(text)] for text in texts[1]]
    totals = [
        evaluate(spec, world(spec, given_, settled(spec, 2))).total for spec, given_ in ((one, arrays), (two, matched))
    ]
    return bool(np.isclose(totals[0], totals[1], rtol=1e-9, atol=1e-12))


@settings(max_examples=EXAMPLES)
@given(name=st.sampled_from(NAMES), miss=st.sampled_from(MISSES), seed=st.integers(0, 10_000))
def test_a_near_miss_is_different(name, miss, seed):
    spec = shipped(name)
    method = miss(whole(spec), random.Random(seed))
    assume(method is not None)
    other = possible(method)
    found = diff(spec, other)
    if found.answer == "same mathematics":
        assert miss is not released or all(
            term.value.trains == again.value.trains for term, again in both_terms(spec, other)
        )
        assert same_numbers(spec, other), found.text(full=True)


PAIRS = "mean(logsumexp(similarity(z[a], z[b]) / {}, over=batch'))"
SUM = "mean(alignment(z[a], z[b])) + {} * mean(std(z, over=batch, ddof=1))"


@pytest.mark.parametrize(
    ("text", "one", "other", "same"),
    [
        (PAIRS, "0.2", "0.2000000002", False),
        (PAIRS, "0.2", "0.20000000000000001", True),
        (PAIRS, "0.2", "(1 / 5)", True),
        (SUM, "0", "1e-9", False),
        (SUM, "2e-9", "1e-9", False),
        (SUM, "0", "1e-16", True),
    ],
)
def test_a_constant_that_values_do_not_show_is_a_difference(text, one, other, same):
    left, right = (method_of(f"minimize\n  term: {text.format(number)}\n") for number in (one, other))
    found = diff(left, right)
    assert (found.answer == "same mathematics") == same
    assert ("differ in a constant, below what values show" in [row.note for row in found.changed]) != same


def both_terms(one, two):
    """The terms of two methods with the same names."""
    return zip(one.graph.terms, two.graph.terms, strict=True)

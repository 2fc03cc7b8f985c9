"""Methods that ship, spelled otherwise, are the same mathematics; near misses are not."""

import os
import random
from functools import cache

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import losslang
from losslang.algebra.canonical import labels_of
from losslang.algebra.digest import Digests
from losslang.diagnostics import SpecError
from losslang.meaning.evaluate import evaluate
from losslang.pipeline import small
from losslang.questions import canonical_hash, diff
from losslang.shipped import shipped_specs
from tests.algebra.worlds import draws, leaves, settled, world
from tests.analysis.spellings import MISSES, SPELLINGS, loaded, released, rename, reorder, whole

EXAMPLES = int(os.environ.get("LOSSLANG_SPELLINGS", "40"))

NAMES = sorted(shipped_specs())


@cache
def shipped(name):
    """A method that ships, typed once."""
    return losslang.load(name)


@settings(max_examples=EXAMPLES)
@given(
    name=st.sampled_from(NAMES),
    ways=st.lists(st.sampled_from(SPELLINGS), min_size=1, max_size=4),
    spelling=st.sampled_from(["yaml", "loss"]),
    seed=st.integers(0, 10_000),
)
def test_another_spelling_is_the_same_mathematics(name, ways, spelling, seed):
    spec, drawn = shipped(name), random.Random(seed)
    method = whole(spec)
    for way in ways:
        method = way(method, spec, drawn)
    try:
        other = loaded(method, spelling)
    except SpecError:
        assume(False)
    found = diff(spec, other)
    assert found.answer == "same mathematics", found.text()
    assert {row.kind for row in found.changed} <= {"name"}


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
    try:
        other = loaded(method)
    except SpecError:
        assume(False)
    found = diff(spec, other)
    if found.answer == "same mathematics":
        assert miss is not released or all(
            term.value.trains == again.value.trains for term, again in both_terms(spec, other)
        )
        assert same_numbers(spec, other), found.text(full=True)


def both_terms(one, two):
    """The terms of two methods with the same names."""
    return zip(one.graph.terms, two.graph.terms, strict=True)

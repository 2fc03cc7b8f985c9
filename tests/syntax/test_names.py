"""The name that was probably meant."""

import pytest

from losslang.syntax.names import is_name, nearest
from tests.soon import soon


@pytest.mark.parametrize(
    ("name", "candidates", "meant"),
    [
        ("networs", ["networks", "notes"], "networks"),
        ("alingment", ["alignment", "augment"], "alignment"),
        ("gama", ["gamma", "alpha"], "gamma"),
        ("Mean", ["mean"], "mean"),
        ("x", ["y"], None),
        ("projector", ["predictor"], "predictor"),
        ("foo", ["variance"], None),
        ("", ["abcdef"], None),
        ("z", [], None),
    ],
)
def test_nearest(name, candidates, meant):
    assert nearest(name, candidates) == meant


def test_long_names_cost_nothing():
    with soon(0.1):
        assert nearest("a" * 100_000, ["b" * 100_000] * 100) is None


def test_words_of_the_language_are_no_names():
    assert is_name("lambda")
    assert is_name("_x9")
    assert not any(map(is_name, ["for", "true", "null", "9x", "a-b", "", "é", "a'"]))

"""What tables say of runs."""

import pytest

from losslang.evaluation.verdict import counted


@pytest.mark.parametrize(
    ("kinds", "words"),
    [
        ([], ""),
        (["none"], "no"),
        (["constant"] * 5, "constant"),
        (["none", "dimensional", "none"], "rank below half in 1 of 3"),
        (
            ["none", "dimensional", "constant", "failed"],
            "rank below half in 1 of 4, constant in 1 of 4, failed in 1 of 4",
        ),
    ],
)
def test_kinds_are_counted_where_seeds_differ(kinds, words):
    assert counted(kinds) == words

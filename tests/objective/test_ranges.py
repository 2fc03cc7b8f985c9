"""Numbers that are known before training are refused outside their range, however they are given; others are not."""

import pytest

from losslang.diagnostics import SpecError
from tests.methods import method, term


@pytest.mark.parametrize(
    "expression",
    [
        "info_nce(z[a], z[b], 0.1)",
        "nt_xent(z, 1e-3)",
        "info_nce(z[a], z[b], max(abs(z)) - 1)",  # known only with the batch
        "coding_rate(z[a], distortion=0.5)",
        "mean(z[a] * sinkhorn(z[a], epsilon=1 - 0.5, iterations=3))",
    ],
)
def test_what_may_be_positive_is_accepted(expression):
    assert term(expression).graph.terms


@pytest.mark.parametrize("value", ["0", "-0.1", "1 - 1", "linear(0.1, 0)", "linear(-0.1, 0.1)"])
@pytest.mark.parametrize(
    "expression", ["info_nce(z[a], z[b], t)", "mean(z[a] * sinkhorn(z[a], epsilon=t, iterations=3))"]
)
def test_what_is_not_is_refused(value, expression):
    with pytest.raises(SpecError, match="is above 0, not") as raised:
        method(f"parameter t = {value}\nminimize\n  term: {expression}\n")
    assert [each.code for each in raised.value.diagnostics] == ["E328"]


@pytest.mark.parametrize(
    "expression",
    [
        "variance_hinge(z[a], eps=-1e-4)",
        "alignment(normalize(z[a], eps=0 - 1), z[b])",
        "mean(inverse_root(cov(z[a], ddof=1), floor=-0.1))",
        "trace(matrix_log(cov(z[a], ddof=1), order=0))",
    ],
)
def test_what_keeps_a_root_from_zero_is_not_negative(expression):
    with pytest.raises(SpecError, match=r"is [01] or more, not") as raised:
        term(expression)
    assert [each.code for each in raised.value.diagnostics] == ["E328"]


def test_a_setting_is_checked_too():
    body = "parameter t = 0.1\nminimize\n  term: nt_xent(z, t)\n"
    with pytest.raises(SpecError, match="`temperature` of `nt_xent` is above 0, not -2"):
        method(body, parameters={"t": -2})


def test_what_a_file_defines_for_itself_may_mean_anything():
    body = "def tilted(z: [batch, feature], temperature) = mean(z) * temperature\n"
    assert method(f"{body}minimize\n  term: mean(tilted(z, -1))\n").warnings == ()


@pytest.mark.parametrize("axes", ["[batch, batch]", "[view, batch, view]"])
def test_an_axis_is_named_once(axes):
    with pytest.raises(SpecError, match="is named twice"):
        term(f"mean(mean(z, over={axes}))")


def test_the_two_axes_of_a_matrix_are_two():
    assert term("mean(cov(z[a], ddof=1), over=[feature, feature'])").graph.terms

"""Type rules of matrix functions: what has a pair of axes [a, a']."""

from __future__ import annotations

from losslang.objective.axes import Axis, Dim, Type, describe_axes
from losslang.objective.rules import Bound, Problem

__all__ = ["matrix_axis", "matrix_to_matrix", "matrix_to_number", "matrix_to_ranks", "nuclear"]


def matrix_axis(bound: Bound) -> Axis:
    """The axis a of the matrix [a, a'] in the operand: `over`, or the only pair there is."""
    value = bound.values["x"]
    given = bound.options.get("over")
    pairs = [axis for axis in value.type.axes if not axis.primes and value.type.has(axis.primed())]
    pairs = [axis for axis in pairs if given is None or axis == given]
    if len(pairs) != 1:
        what = f"a matrix [{given}, {given}']" if given else "one pair of axes such as [feature, feature']"
        raise Problem(
            "E306",
            f"`{bound.name}` takes {what}",
            labels=[(value.span, f"has {describe_axes(value.type.axes)}")],
            help="cov(z, ddof=1), second_moment(z) and similarity(z, z) make matrices",
        )
    bound.options["over"] = pairs[0]
    return pairs[0]


def matrix_to_number(bound: Bound) -> Type:
    """The operand without its matrix axes."""
    axis = matrix_axis(bound)
    return bound.type("x").without([axis, axis.primed()]).real()


def matrix_to_matrix(bound: Bound) -> Type:
    """The operand's own axes."""
    matrix_axis(bound)
    return bound.type("x").real()


def matrix_to_ranks(bound: Bound) -> Type:
    """The matrix axes replaced by `rank`."""
    axis = matrix_axis(bound)
    size = bound.type("x").find(axis)
    assert size is not None
    rest = bound.type("x").without([axis, axis.primed()])
    return rest.with_dim(Dim(Axis("rank"), size.size))


def nuclear(bound: Bound) -> Type:
    """The operand without the two axes of its matrix."""
    axes = bound.options.get("over")
    if axes is None and len(bound.type("x").axes) == 2:
        bound.options["over"] = axes = bound.type("x").axes
    if not isinstance(axes, tuple) or len(axes) != 2:
        raise Problem(
            "E306",
            "`nuclear_norm` needs the two axes of its matrix",
            labels=[(bound.values["x"].span, f"has {describe_axes(bound.type('x').axes)}")],
            help="nuclear_norm(z, over=[batch, feature])",
        )
    _check_also(bound)
    return bound.type("x").without(bound.over()).real()


def _check_also(bound: Bound) -> None:
    """Refuse further rows that have other axes than those they are joined to. Raises Problem."""
    value, x = bound.values.get("also"), bound.type("x")
    if value is not None and value.type.axes != x.axes:
        has, wanted = describe_axes(value.type.axes), describe_axes(x.axes)
        raise Problem(
            "E306", "`also` of `nuclear_norm` has the axes of the rows it is joined to", at="also",
            labels=[(value.span, f"has {has}"), (bound.values["x"].span, f"has {wanted}")],
        )  # fmt: skip

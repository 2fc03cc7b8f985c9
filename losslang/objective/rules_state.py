"""Type rules of what lives across steps, and of assignments."""

from __future__ import annotations

from losslang.objective.axes import BATCH, FEATURE, Axis, Dim, Type, describe_axes
from losslang.objective.rules import Bound, Problem, counted, missing_axis
from losslang.objective.rules_matrix import matrix_axis
from losslang.syntax.spelling import spelled

__all__ = ["centroids", "memory", "queue", "running", "sinkhorn"]


def running(bound: Bound) -> Type:
    """The value's own axes; the batch must be gone."""
    for axis in bound.type("x").axes:
        if axis.name in {"batch", "group"}:
            raise Problem(
                "E401",
                "`running` keeps a statistic, and this value has one entry per image",
                labels=[(bound.values["x"].span, f"has {describe_axes(bound.type('x').axes)}")],
                help="reduce the batch first: running(mean(z, over=batch), …)",
            )
    one_number(bound, "momentum")
    if bound.options["init"] == "identity":
        matrix_axis(bound)
        bound.options.pop("over")
    return bound.type("x").real()


def queue(bound: Bound) -> Type:
    """The batch axis (and the views, in order) replaced by `queue`."""
    x, size = bound.type("x"), bound.options["size"]
    if not x.has(BATCH):
        raise missing_axis(bound, "x", BATCH)
    counted(bound, "size")
    assert isinstance(size, int)
    return x.without([BATCH]).with_dim(Dim(Axis("queue"), size)).real()


def memory(bound: Bound) -> Type:
    """The values of the same images at their last visit: the operand's own axes."""
    if not bound.type("x").has(BATCH):
        raise missing_axis(bound, "x", BATCH)
    return bound.type("x").real()


def centroids(bound: Bound) -> Type:
    """[prototype, feature]."""
    feature, count = bound.type("x").find(FEATURE), bound.options["count"]
    if feature is None:
        raise missing_axis(bound, "x", FEATURE)
    counted(bound, "count")
    counted(bound, "iterations")
    stored = bound.values["x"].node
    while stored.op in {"select", "take"}:
        stored = stored.inputs[0]
    if stored.op not in {"memory", "argument"}:
        raise Problem(
            "E413",
            "centroids are those of a `memory` of the whole data set",
            labels=[(bound.values["x"].span, "is no memory")],
            help=spelled(
                bound.values["x"].span,
                yaml="stored: memory(z), then centroids(stored[a], …)",
                loss="stored = memory(z), then centroids(stored[a], …)",
            ),
            at="x",
        )
    assert isinstance(count, int)
    return Type.of([Dim(Axis("prototype"), count), feature])


def one_number(bound: Bound, name: str) -> None:
    """Refuse a value with axes where the operation takes one number. Raises Problem."""
    value = bound.values.get(name)
    if value is not None and value.type.dims:
        raise Problem(
            "E327",
            f"`{name}` of `{bound.name}` is one number",
            labels=[(value.span, f"has {describe_axes(value.type.axes)}")],
            at=name,
        )


def sinkhorn(bound: Bound) -> Type:
    """The scores' own axes."""
    x = bound.type("x")
    one_number(bound, "epsilon")
    counted(bound, "iterations")
    bound.over()
    others = [axis for axis in x.axes if axis.name not in {"batch", "view", "group"}]
    if len(others) != 1:
        raise Problem(
            "E306",
            "`sinkhorn` takes scores [batch, prototype]",
            labels=[(bound.values["x"].span, f"has {describe_axes(x.axes)}")],
        )
    return x.real()

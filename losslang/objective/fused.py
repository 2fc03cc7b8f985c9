"""Operations that only the optimiser writes: several core operations as one, which is cheaper than they are.

Methods cannot spell them. Each has its meaning in `losslang.meaning.fused` and its torch form in `losslang.backend.fused`.
"""

from __future__ import annotations

from losslang.objective.axes import VIEW, Axis, Dim, Type
from losslang.objective.operation import Operation, Parameter
from losslang.objective.rules import Bound, Problem
from losslang.objective.rules_along import keeps, reduction, same_type
from losslang.objective.rules_matched import dot

__all__ = ["FUSED"]


def _of_products(bound: Bound) -> Type:
    """A product, summed over every pair of entries: what is left are the axes that x and y share."""
    type_ = dot(bound)
    pairs = bound.options["pairs"]
    assert isinstance(pairs, tuple)
    axes = [axis for axis in pairs if isinstance(axis, Axis)]
    return type_.without([*axes, *(axis.primed() for axis in axes)]).real()


def _of_matrix(bound: Bound) -> Type:
    """A matrix [axis, axis'] without its last axis: its diagonal."""
    (axis,) = bound.over("x", "pairs")
    return bound.type("x").without([axis.primed()])


def _of_entries(bound: Bound) -> Type:
    """A matrix [axis, axis'] without both: a number of its entries."""
    (axis,) = bound.over("x", "pairs")
    return bound.type("x").without([axis, axis.primed()])


def _over_columns(bound: Bound) -> Type:
    """The axes of x but those that are multiplied over."""
    x, over = bound.type("x"), bound.over("x")
    return x.without(over).real()


def _by_pair(bound: Bound) -> Type:
    """The axes of x but those that are multiplied over; in place of its views are pairs of one with one of y."""
    x, y = (bound.type(name).find(VIEW) for name in ("x", "y"))
    assert x is not None
    assert y is not None
    ones, others = bound.options["ones"], bound.options["others"]
    labels = [f"{x.labels[one]}_{y.labels[other]}" for one, other in zip(ones, others, strict=True)]  # type: ignore[arg-type, call-overload]
    return _over_columns(bound).with_dim(Dim(VIEW, len(labels), tuple(labels)))


def _chosen(bound: Bound) -> Type:
    """The axes of the scores, with those of y in place of the axis chosen from; axes that both have stand first."""
    scores, y, over = bound.type("scores"), bound.type("y"), bound.over("scores")
    (axis,) = over
    rows, chosen = scores.without(over), y.without(over)
    if rows.has(axis.primed()):
        rows = rows.renamed(axis.primed(), axis)
    shared = [dim for dim in chosen.dims if rows.has(dim.axis)]
    if not y.has(axis) or chosen.has(axis) or shared != list(rows.dims[: len(shared)]):
        raise Problem("E302", "rows are chosen from an axis of their own", at="y")
    return Type.of([*rows.dims, *(dim for dim in chosen.dims if dim not in shared)]).real()


def _deflated(bound: Bound) -> Type:
    """[…, direction, feature]: as many rows as both operands have."""
    sketch, rest = bound.type("x"), bound.type("y")
    direction = Axis("direction")
    one, two = sketch.find(direction), rest.find(direction)
    assert one is not None
    assert two is not None
    assert one.known is not None
    assert two.known is not None
    return sketch.with_dim(Dim(direction, one.known + two.known)).real()


def _nearest(bound: Bound) -> Type:
    """The axes of the queries, with those of what is chosen in place of the axis multiplied over."""
    (key,) = bound.over("y", "keys_of")
    rows, chosen = bound.type("x").without(bound.over("x")), bound.type("chosen")
    return Type.of([*rows.dims, *(dim for dim in chosen.dims if dim.axis != key and not rows.has(dim.axis))]).real()


def _of_waves(bound: Bound) -> Type:
    """The axes of x that are not summed, and the knots."""
    return Type.of([*bound.type("x").without(bound.over("x")).dims, *bound.type("knots").dims]).real()


_X, _Y, _SCALE = Parameter("x"), Parameter("y"), Parameter("scale")
_OVER, _PAIRS = Parameter("over", "axes"), Parameter("pairs", "axes")
_CONTRAST = (
    Parameter("pairs", "axes", ()),
    Parameter("dropped", "word", "nothing"),
    Parameter("attracted", "word", "nothing"),
    Parameter("ones", "views", ()),
    Parameter("others", "views", ()),
    Parameter("units", "views", ()),
    Parameter("eps", "number", 0.0),
)

_ROWS = (
    Operation(
        "squared_products",
        (_X, _Y, _SCALE, _OVER, _PAIRS, Parameter("hollow", "flag", default=False)),
        _of_products,
        "sum",
        "Σ (scale · x·y)² over every pair of entries; hollow: of different ones",
        "float32, scaled before the product",
        "Garrido et al. 2022",
    ),
    Operation(
        "logdet_of_products",
        (_X, _SCALE, _OVER, _PAIRS),
        lambda bound: _of_products(_twice(bound)),
        "sum",
        "log det(I + scale · xᵀx)",
        "float32",
        "Sylvester's identity",
    ),
    Operation(
        "trace_of_log",
        (_X, _Y, _SCALE, Parameter("shift"), _OVER, _PAIRS, Parameter("order", "integer", 4)),
        _of_products,
        "sum",
        "trace of the Taylor polynomial of log(shift · I + scale · xᵀy) about the identity",
        "float32",
    ),
    Operation(
        "logsumexp_of_products",
        (_X, _Y, _SCALE, _OVER, *_CONTRAST[:3]),
        _over_columns,
        "sum",
        "log Σ exp(scale · x·y) over every y, less Σ scale · x·y over attracted ones; dropped or attracted: the row itself,"
        " its image's other views, or both",
        "float32, shifted by the maximum",
    ),
    Operation(
        "logdet_by_probes",
        (_X, Parameter("probes"), _SCALE, _OVER, _PAIRS, Parameter("steps", "integer", 20)),
        lambda bound: _of_products(_twice(bound)),
        "sum",
        "log det(I + scale · xᵀx): d times the mean of u·log(I + scale · xᵀx) u over unit probes u",
        "float32",
        "Ubaru, Chen and Saad 2017",
    ),
    Operation(
        "deflated_probes",
        (_X, _Y, _OVER),
        _deflated,
        "none",
        "an orthonormal basis of the rows x, and what is left of the rows y beside it",
        "float32",
        "Meyer et al. 2021, Hutch++",
        gradient=False,
    ),
    Operation(
        "contrast_of_products",
        (_X, _Y, _SCALE, Parameter("beside", optional=True), _OVER, *_CONTRAST),
        lambda _bound: Type(),
        "sum",
        "the mean of log Σ exp(scale · x·y), less that of scale · x·y over attracted pairs (the row itself, its other"
        " views, or that of `beside`, one more y for every x); with `ones` and `others`, the sum over these views of x"
        " with those of y; rows of the operands at the places `units` are over max(length, eps) first",
        "float32, shifted by the maximum",
    ),
    Operation(
        "cosines_of_views",
        (_X, _Y, _OVER, Parameter("eps", "number"), Parameter("others", "views")),
        _over_columns,
        "rows",
        "the cosine of every row of x with that of another view of y: the view listed in the place of its own",
        "float32, scaled before the product",
    ),
    Operation(
        "cosines_of_pairs",
        (
            _X,
            _Y,
            _OVER,
            Parameter("eps", "number"),
            *(Parameter(name, "views") for name in ("ones", "others", "shifts")),
        ),
        _by_pair,
        "rows",
        "the cosine of every row of a view of x with that of a view of y, which is moved on first, for pairs of views",
        "float32, lengths scaled before squaring",
    ),
    Operation(
        "cross_entropies",
        (Parameter("q"), _X, _SCALE, _OVER, Parameter("ones", "views", ()), Parameter("others", "views", ())),
        lambda _bound: Type(),
        "sum",
        "the mean of -Σ q log softmax(scale · x); with `ones` and `others`, the sum over these views of q with those of x",
        "float32, shifted by the maximum",
    ),
    Operation(
        "nearest_rows",
        (_X, _Y, Parameter("chosen"), _SCALE, Parameter("diagonal"), _OVER, Parameter("keys_of", "axes")),
        _nearest,
        "order",
        "what is chosen by the largest scale · x·y, to which diagonal is added where both are the same row",
        "float32",
        through="chosen",
    ),
    Operation("squared_length", (_X, _OVER), reduction, "sum", "Σ x² over every axis", "float32"),
    Operation(
        "standardized",
        (_X, _OVER, Parameter("ddof", "number"), Parameter("eps", "number")),
        keeps,
        "sum",
        "(x - mean) / sqrt(variance + eps)",
        "float32, two passes",
    ),
    Operation(
        "correlations",
        (_X, _SCALE, _OVER, _PAIRS, Parameter("ddof", "number"), Parameter("eps", "number")),
        lambda bound: dot(_twice(bound)).without([VIEW]).real(),
        "sum",
        "scale · xᵀy of the two views, with mean 0 and deviation 1: asked for its diagonal and the squares beside it",
        "float32, two passes",
    ),
    Operation("diagonal_of", (_X, _PAIRS), _of_matrix, "sum", "the diagonal of a matrix", "float32"),
    Operation("squares_of", (_X, _PAIRS), _of_entries, "sum", "Σ x² over entries beside the diagonal", "float32"),
    Operation(
        "running_products",
        (_X, _SCALE, Parameter("momentum"), _OVER, _PAIRS, Parameter("init", "word", "0")),
        lambda bound: dot(_twice(bound)).real(),
        "state",
        "`running` of scale · xᵀx, before the step",
        "float32",
        gradient=False,
    ),
    Operation(
        "product_with_running",
        (_X, Parameter("own_scale"), Parameter("state"), _Y, _SCALE, Parameter("momentum"), _OVER, _PAIRS),
        lambda _bound: Type(),
        "sum",
        "own_scale · ⟨xᵀx, c⟩, where c = momentum · state + (1 - momentum) · scale · yᵀy",
        "float32",
    ),
    Operation(
        "whitened",
        (_X, _SCALE, Parameter("shift"), _OVER, _PAIRS),
        same_type,
        "sum",
        "L⁻¹ applied to x, where L Lᵀ = shift · I + scale · xᵀx",
        "float32",
        "Ermolov et al. 2021, W-MSE",
    ),
    Operation(
        "waves",
        (_X, Parameter("knots"), _OVER),
        _of_waves,
        "sum",
        "Σ cos(x · t) and Σ sin(x · t) at even knots t: asked for both",
        "float32",
    ),
    Operation("cosines_of", (_X,), same_type, "sum", "Σ cos(x · t)", "float32"),
    Operation("sines_of", (_X,), same_type, "sum", "Σ sin(x · t)", "float32"),
    Operation(
        "chosen_rows",
        (Parameter("scores"), _Y, _OVER),
        _chosen,
        "order",
        "the row of y where the scores are largest, first among equals",
    ),
)


def _twice(bound: Bound) -> Bound:
    bound.values["y"] = bound.values["x"]
    return bound


FUSED: dict[str, Operation] = {row.name: row for row in _ROWS}

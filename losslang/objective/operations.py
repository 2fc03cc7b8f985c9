"""The table of core operations. Everything else of the language is written with them.

Each row is the signature, type rule, behaviour on the batch axis, numeric rule and source of one operation; its
meaning is the row of the same name in `losslang.meaning.kernels`, its torch form that in `losslang.backend.kernels`.
"""

from __future__ import annotations

from collections.abc import Callable

from losslang.objective import rules_along, rules_matched, rules_matrix, rules_state
from losslang.objective.axes import BATCH, FEATURE, Type
from losslang.objective.operation import Operation, Parameter
from losslang.objective.rules import Bound

__all__ = ["OPERATIONS", "STATEFUL"]


X = Parameter("x")
WHERE = Parameter("where", "mask", optional=True)
OVER_ALL = Parameter("over", "axes", optional=True)
OVER_FEATURE = Parameter("over", "axes", (FEATURE,))
OVER_BATCH = Parameter("over", "axes", (BATCH,))
MATRIX = Parameter("over", "axis", optional=True)
DDOF = Parameter("ddof", "number")
EPS = Parameter("eps", "number", 0.0, least=0)


def _unary(name: str, summary: str, numeric: str = "") -> Operation:
    return Operation(name, (X,), rules_matched.elementwise, "rows", summary, numeric)


def _binary(name: str, summary: str, rule: Callable[[Bound], Type] = rules_matched.elementwise) -> Operation:
    return Operation(name, (X, Parameter("y")), rule, "rows", summary)


def _reduction(name: str, summary: str, *extra: Parameter, numeric: str = "") -> Operation:
    return Operation(name, (X, OVER_ALL, *extra, WHERE), rules_along.reduction, "sum", summary, numeric)


_ROWS = (
    # ------------------------------------------------------------ arithmetic, comparison, logic (written with signs)
    _binary("add", "x + y"),
    _binary("subtract", "x - y"),
    _binary("multiply", "x * y"),
    _binary("divide", "x / y"),
    _binary("power", "x ^ y"),
    _unary("negative", "-x"),
    _binary("equal", "x == y", rules_matched.comparison),
    _binary("not_equal", "x != y", rules_matched.comparison),
    _binary("less", "x < y", rules_matched.comparison),
    _binary("less_equal", "x <= y", rules_matched.comparison),
    _binary("greater", "x > y", rules_matched.comparison),
    _binary("greater_equal", "x >= y", rules_matched.comparison),
    _binary("both", "x and y, of masks", rules_matched.logical),
    _binary("either", "x or y, of masks", rules_matched.logical),
    Operation("negate", (X,), rules_matched.logical, "rows", "not x, of a mask"),
    # ------------------------------------------------------------ elementwise
    _unary("exp", "e to the x", "float32"),
    _unary("log", "natural logarithm", "float32"),
    _unary("sqrt", "square root; gradient 0 at 0", "float32"),
    _unary("abs", "absolute value"),
    _unary("relu", "max(x, 0)"),
    _unary("tanh", "hyperbolic tangent"),
    _unary("sigmoid", "1 / (1 + e^-x)"),
    _unary("softplus", "log(1 + e^x)", "float32"),
    _unary("sin", "sine"),
    _unary("cos", "cosine"),
    _binary("maximum", "the larger of two; the gradient goes to it, half to each where equal"),
    _binary("minimum", "the smaller of two"),
    # ------------------------------------------------------------ reductions
    _reduction("mean", "mean over axes; with `where`, over the true entries"),
    _reduction("sum", "sum over axes"),
    _reduction("var", "variance over axes, divisor n - ddof", DDOF, numeric="float32, two passes"),
    _reduction("std", "sqrt(variance + eps)", DDOF, EPS, numeric="float32, two passes"),
    _reduction("norm", "Euclidean length; gradient 0 at 0", numeric="float32"),
    _reduction("max", "largest entry; the gradient is shared among equals"),
    _reduction("logsumexp", "log of the sum of exponentials", numeric="float32, shifted by the maximum"),
    Operation(
        "softmax", (X, OVER_FEATURE, WHERE), rules_along.keeps, "sum", "exponentials that sum to 1", "float32, shifted"
    ),
    Operation(
        "log_softmax", (X, OVER_FEATURE, WHERE), rules_along.keeps, "sum", "logarithm of softmax", "float32, shifted"
    ),
    Operation(
        "integrate", (X, OVER_FEATURE), rules_along.integrate, "rows", "trapezoid rule over the knots of `linspace`"
    ),
    # ------------------------------------------------------------ shape
    Operation(
        "normalize",
        (X, OVER_FEATURE, Parameter("eps", "number", 1e-12, least=0)),
        rules_along.keeps,
        "sum",
        "unit length: x / max(norm(x), eps)",
        "float32",
    ),
    Operation(
        "dot",
        (X, Parameter("y"), OVER_FEATURE, Parameter("pairs", "axes", optional=True)),
        rules_matched.dot,
        "sum",
        "multiply and sum over `over`; axes in `pairs` stay independent and appear primed",
    ),
    Operation(
        "first", (X, Parameter("count", "integer"), OVER_FEATURE), rules_along.first, "order", "the first entries"
    ),
    Operation(
        "roll",
        (X, Parameter("shift", "integer", 1), OVER_BATCH),
        rules_along.along,
        "order",
        "entry i becomes entry i + shift",
    ),
    Operation("sort", (X, OVER_BATCH), rules_along.along, "order", "ascending order along an axis"),
    Operation(
        "linspace",
        (Parameter("start", "number"), Parameter("stop", "number"), Parameter("count", "integer")),
        rules_along.linspace,
        "none",
        "evenly spaced knots [knot]",
    ),
    # ------------------------------------------------------------ matrices
    Operation(
        "logdet", (X, MATRIX), rules_matrix.matrix_to_number, "none", "log-determinant, positive definite", "float32"
    ),
    Operation(
        "matrix_log",
        (X, Parameter("order", "integer", 4, least=1), MATRIX),
        rules_matrix.matrix_to_matrix,
        "none",
        "Taylor polynomial of the matrix logarithm about the identity",
        "float32",
        "Zhang et al. 2024, Matrix-SSL",
    ),
    Operation(
        "inverse_root",
        (
            X,
            Parameter("method", "word", "symmetric", choices=("symmetric", "cholesky")),
            Parameter("floor", "number", 0.0, least=0),
            MATRIX,
        ),
        rules_matrix.matrix_to_matrix,
        "none",
        "W with Wᵀ x W = I: the inverse square root (eigenvalues not below `floor`), or the inverse Cholesky factor, transposed",
        "float32",
        "Ermolov et al. 2021, W-MSE",
    ),
    Operation(
        "nuclear_norm",
        (X, OVER_ALL, Parameter("also", "value", optional=True)),
        rules_matrix.nuclear,
        "order",
        "sum of singular values of [rows, columns]; with `also`, of the rows of both",
        "float32",
    ),
    Operation(
        "eigenvalues", (X, MATRIX), rules_matrix.matrix_to_ranks, "none", "of a symmetric matrix, ascending", "float32"
    ),
    # ------------------------------------------------------------ gradient, assignment, random
    Operation("stopgrad", (X,), rules_along.same_type, "rows", "the same value, without gradient", gradient=False),
    Operation(
        "sinkhorn",
        (
            X,
            Parameter("epsilon", "value", positive=True),
            Parameter("iterations", "integer"),
            OVER_BATCH,
            Parameter("also", "value", optional=True),
        ),
        rules_state.sinkhorn,
        "sum",
        "balanced assignment of samples to prototypes, without gradient; every sample sums to 1 at the end",
        "float32, log domain",
        "Caron et al. 2020, SwAV; Cuturi 2013",
        gradient=False,
    ),
    Operation(
        "argmax",
        (X, OVER_FEATURE),
        rules_along.along,
        "order",
        "one-hot of the largest entry, first among equals",
        gradient=False,
    ),
    Operation(
        "random_directions",
        (Parameter("count", "integer"), Parameter("like"), OVER_FEATURE),
        rules_along.directions,
        "none",
        "unit vectors, drawn anew each step, equal on every process",
        gradient=False,
    ),
    Operation(
        "normal_quantiles",
        (Parameter("like"), OVER_BATCH),
        rules_along.counted_along,
        "order",
        "the quantiles of the standard normal at i/(n + 1), i = 1 … n",
        gradient=False,
    ),
    Operation(
        "ordinals",
        (Parameter("like"), OVER_BATCH),
        rules_along.counted_along,
        "order",
        "1, 2 … n, the places along an axis",
        gradient=False,
    ),
    # ------------------------------------------------------------ state
    Operation(
        "running",
        (
            X,
            Parameter("momentum", "value"),
            Parameter("read", "word", choices=("before", "after")),
            Parameter("init", "word", "0", choices=("0", "identity", "first")),
        ),
        rules_state.running,
        "state",
        "moving statistic: new = momentum·old + (1 − momentum)·x; with init=first the first new value is x itself, and 0 is read",
    ),
    Operation(
        "queue",
        (
            X,
            Parameter("size", "integer"),
            Parameter("read", "word", "before", choices=("before", "after")),
            Parameter("init", "word", "unit_normal", choices=("unit_normal", "empty")),
            Parameter("start", "integer", 0),
        ),
        rules_state.queue,
        "state",
        "the last `size` rows of earlier batches, first in first out, without gradient",
        source="He et al. 2020, MoCo",
        gradient=False,
    ),
    Operation(
        "memory", (X,), rules_state.memory, "state", "the values of the same images at their last visit", gradient=False
    ),
    Operation(
        "centroids",
        (X, Parameter("count", "integer"), Parameter("iterations", "integer", 10)),
        rules_state.centroids,
        "state",
        "spherical k-means of a memory, at the start of every epoch",
        source="Caron et al. 2020, DeepCluster-v2",
        gradient=False,
    ),
)

OPERATIONS: dict[str, Operation] = {row.name: row for row in _ROWS}

STATEFUL = frozenset(name for name, row in OPERATIONS.items() if row.batch == "state")

SIGNS = {
    "+": "add",
    "-": "subtract",
    "*": "multiply",
    "/": "divide",
    "^": "power",
    "==": "equal",
    "!=": "not_equal",
    "<": "less",
    "<=": "less_equal",
    ">": "greater",
    ">=": "greater_equal",
    "and": "both",
    "or": "either",
}

SPELLED_WITH_SIGNS = frozenset(SIGNS.values()) | {"negative", "negate"}

SPECIAL: dict[str, str] = {
    "size": "size(z, axis): number of entries along an axis; of the batch, the global batch",
    "same": "same(axis): the mask [axis, axis'] of equal indices; same(feature) is the identity matrix",
    "local": "local(expression, rows=64, shuffle=false): computed on consecutive groups of rows, then averaged",
}
"""Operations that the elaborator itself knows: their arguments are not values."""

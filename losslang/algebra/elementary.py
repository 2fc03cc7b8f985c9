"""Identities of arithmetic, exponentials and other functions of single entries."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from losslang.algebra.polynomial import combine, constant_of, content, factors, multiply, parts, positive, power
from losslang.algebra.rewrite import Maker, Row
from losslang.algebra.sums import dims_of, sum_over
from losslang.objective.axes import Type
from losslang.objective.graph import Node
from losslang.objective.parameters import ParameterValue

__all__ = ["ELEMENTARY", "value_of_parameters"]


def value_of_parameters(parameters: Mapping[str, ParameterValue]) -> Row:
    """The row that puts numbers in the place of parameters."""

    def value(node: Node, make: Maker) -> Node | None:
        found = parameters[str(node["name"])].value
        return make.constant(float(found)) if isinstance(found, int | float) else None

    return Row("parameter", "a parameter is its value", value, frozenset({"parameter"}))


def _sum(node: Node, make: Maker) -> Node:
    sign = -1.0 if node.op == "subtract" else 1.0
    first, *rest = node.inputs
    return combine(make, [(1.0, first), *((sign, value) for value in rest)])


def _negative(node: Node, make: Maker) -> Node:
    return combine(make, [(-1.0, node.inputs[0])])


def _product(node: Node, make: Maker) -> Node:
    sign = -1.0 if node.op == "divide" else 1.0
    return multiply(make, [(node.inputs[0], 1.0), (node.inputs[1], sign)])


def _power(node: Node, make: Maker) -> Node | None:
    base, exponent = (constant_of(value) for value in node.inputs)
    if exponent is not None:
        return power(make, node.inputs[0], exponent)
    if base is not None and base > 0:
        return _exp_of(make, combine(make, [(math.log(base), node.inputs[1])]))
    return None


def _root(node: Node, make: Maker) -> Node:
    return power(make, node.inputs[0], 0.5)


_FUNCTIONS: dict[str, Callable[[float], float]] = {
    "tanh": math.tanh,
    "sin": math.sin,
    "cos": math.cos,
    "abs": abs,
    "relu": lambda c: max(c, 0.0),
}


def _number(node: Node, make: Maker) -> Node | None:
    value = constant_of(node.inputs[0])
    return None if value is None else make.constant(_FUNCTIONS[node.op](value))


# ---------------------------------------------------------------- exponentials and logarithms


def _exp_of(make: Maker, x: Node) -> Node:
    inner, offset = parts(x)
    made = [(_exp_atom(make, body), scale) for scale, body in inner]
    if offset:
        made.append((make.constant(math.e), offset))
    return multiply(make, made)


def _exp_atom(make: Maker, body: Node) -> Node:
    if body.op == "log":
        return body.inputs[0]
    return make.make("exp", (body,), (), body.type.real())


def _exp(node: Node, make: Maker) -> Node | None:
    x = node.inputs[0]
    return _exp_of(make, x) if x.op in {"combination", "log", "constant"} else None


def _log(node: Node, make: Maker) -> Node | None:
    """The logarithm of a product whose factors are not negative, term by term."""
    inner, offset = parts(node.inputs[0])
    if not inner:
        return make.constant(math.log(offset)) if offset > 0 else None
    scale = abs(inner[0][0])
    value = multiply(make, [(node.inputs[0], 1.0)], 1 / scale)
    found = factors(value)
    known = [(b, p) for b, p in found if positive(b)]
    rest = [(b, p) for b, p in found if not positive(b)]
    if scale == 1 and (not known or (len(found) == 1 and found[0][1] == 1)) and found[0][0].op != "exp":
        return None
    summands = [(p, _log_atom(make, b)) for b, p in known]
    if rest:
        summands.append((1.0, _log_atom(make, multiply(make, rest))))
    return combine(make, summands, math.log(scale))


def _log_atom(make: Maker, base: Node) -> Node:
    if base.op == "exp":
        return base.inputs[0]
    return make.make("log", (base,), (), base.type.real())


def _exponentials(node: Node, make: Maker) -> tuple[Node, Node]:
    """exp(x), with the mask if there is one, and its sum."""
    made = _exp_of(make, node.inputs[0])
    masked = multiply(make, [(made, 1.0), *((mask, 1.0) for mask in node.inputs[1:])])
    return masked, sum_over(make, masked, dims_of(node, make))


def _items(node: Node, make: Maker) -> Node | None:
    items = node.inputs[0]
    if items.op != "stack":
        return None
    total = combine(make, [(1.0, _exp_of(make, item)) for item in items.inputs])
    return make.make("log", (total,), (), total.type)


def _logsumexp(node: Node, make: Maker) -> Node:
    return make.make("log", (_exponentials(node, make)[1],), (), node.type)


def _softmax(node: Node, make: Maker) -> Node:
    made, total = _exponentials(node, make)
    return multiply(make, [(made, 1.0), (total, -1.0)])


def _log_softmax(node: Node, make: Maker) -> Node | None:
    if len(node.inputs) > 1:
        return None
    total = _exponentials(node, make)[1]
    return combine(make, [(1.0, node.inputs[0]), (-1.0, make.make("log", (total,), (), total.type))])


def _sigmoid(node: Node, make: Maker) -> Node:
    x = node.inputs[0]
    return combine(make, [(0.5, make.make("tanh", (combine(make, [(0.5, x)]),), (), x.type.real()))], 0.5)


def _softplus(node: Node, make: Maker) -> Node:
    total = combine(make, [(1.0, _exp_of(make, node.inputs[0]))], 1.0)
    return make.make("log", (total,), (), total.type)


# ---------------------------------------------------------------- signs and hinges


def _even_or_odd(sign: Callable[[float], float], *, keeps: bool) -> Callable[[Node, Maker], Node | None]:
    """f(c·x) by the sign of c; where `keeps`, |c| leaves too."""

    def fold(node: Node, make: Maker) -> Node | None:
        x = node.inputs[0]
        scale = content(x)
        taken = scale if keeps else math.copysign(1.0, scale)
        if taken == 1 or constant_of(x) is not None:
            return None
        inner = make.make(node.op, (combine(make, [(1 / taken, x)]),), node.attributes, node.type)
        return combine(make, [(sign(taken), inner)])

    return fold


def _hinge(node: Node, make: Maker) -> Node | None:
    x = node.inputs[0]
    scale = abs(content(x))
    if scale == 1 or constant_of(x) is not None:
        return None
    inner = combine(make, [(1 / scale, x)])
    return combine(make, [(scale, make.make("relu", (inner,), (), node.type))])


def _extreme(node: Node, make: Maker) -> Node:
    """The larger and the smaller of two by a hinge on their difference."""
    x, y = sorted(node.inputs, key=make.key, reverse=constant_of(node.inputs[0]) is None)
    x, y = (y, x) if constant_of(x) is not None else (x, y)
    hinge = combine(make, [(1.0, x), (-1.0, y)])
    above = make.make("relu", (hinge,), (), hinge.type.real())
    return combine(make, [(1.0, y), (1.0, above)]) if node.op == "maximum" else combine(make, [(1.0, x), (-1.0, above)])


# ---------------------------------------------------------------- masks


def _not(node: Node, make: Maker) -> Node:
    return combine(make, [(-1.0, node.inputs[0])], 1.0)


def _both(node: Node, make: Maker) -> Node:
    return multiply(make, [(mask, 1.0) for mask in node.inputs])


def _either(node: Node, make: Maker) -> Node:
    x, y = node.inputs
    return combine(make, [(1.0, x), (1.0, y), (-1.0, multiply(make, [(x, 1.0), (y, 1.0)]))])


_OPPOSITE = {"not_equal": "equal", "less_equal": "greater", "greater_equal": "less"}


def _opposite(node: Node, make: Maker) -> Node:
    return combine(make, [(-1.0, make.make(_OPPOSITE[node.op], node.inputs, (), node.type))], 1.0)


def _greater(node: Node, make: Maker) -> Node | None:
    """Every comparison is one with zero."""
    x, y = node.inputs
    if node.op == "greater":
        x, y = y, x
    if constant_of(y) == 0 and abs(content(x)) == 1 and node.op == "less":
        return None
    difference = combine(make, [(1.0, x), (-1.0, y)])
    scaled = combine(make, [(1 / abs(content(difference)), difference)])
    return make.make("less", (scaled, make.make("constant", (), (("value", 0.0),), Type())), (), node.type)


ELEMENTARY = (
    Row("number", "tanh, sin, cos, |·|, relu of a number", _number, frozenset(_FUNCTIONS)),
    Row("sum", "x − y = x + (−1)·y;  (x + y) + z = x + y + z", _sum, frozenset({"add", "subtract", "total"})),
    Row("negation", "−x = (−1)·x", _negative, frozenset({"negative"})),
    Row("product", "x / y = x·y^-1;  x·(y + z) = x·y + x·z", _product, frozenset({"multiply", "divide"})),
    Row("power", "(x·y)^n = x^n·y^n;  (x + y)² = x² + 2·x·y + y²;  c^x = e^(x·log c)", _power, frozenset({"power"})),
    Row("root", "√x = x^½", _root, frozenset({"sqrt"})),
    Row("exp_of_sum", "e^(a·x + y + c) = (e^x)^a·e^y·e^c;  e^(log x) = x", _exp, frozenset({"exp"})),
    Row("log_of_product", "log(x^a·y·c) = a·log x + log y + log c;  log e^x = x", _log, frozenset({"log"})),
    Row("logsumexp_of_items", "logsumexp [x, y] = log(e^x + e^y)", _items, frozenset({"logsumexp"})),
    Row("logsumexp", "logsumexp x = log Σ e^x", _logsumexp, frozenset({"logsumexp"})),
    Row("softmax", "softmax x = e^x / Σ e^x", _softmax, frozenset({"softmax"})),
    Row("log_softmax", "log softmax x = x − log Σ e^x", _log_softmax, frozenset({"log_softmax"})),
    Row("sigmoid", "σ(x) = (1 + tanh(x/2)) / 2", _sigmoid, frozenset({"sigmoid"})),
    Row("softplus", "softplus x = log(1 + e^x)", _softplus, frozenset({"softplus"})),
    Row("odd", "tanh(−x) = −tanh x;  sin(−x) = −sin x", _even_or_odd(float, keeps=False), frozenset({"tanh", "sin"})),
    Row("even", "cos(−x) = cos x", _even_or_odd(abs, keeps=False), frozenset({"cos"})),
    Row("absolute", "|c·x| = |c|·|x|", _even_or_odd(abs, keeps=True), frozenset({"abs"})),
    Row("hinge", "relu(c·x) = c·relu(x) for c > 0", _hinge, frozenset({"relu"})),
    Row(
        "extremes",
        "max(x, y) = y + relu(x − y);  min(x, y) = x − relu(x − y)",
        _extreme,
        frozenset({"maximum", "minimum"}),
    ),
    Row("not", "not m = 1 − m", _not, frozenset({"negate"})),
    Row("both", "m and n = m·n;  m·m = m", _both, frozenset({"both"})),
    Row("either", "m or n = m + n − m·n", _either, frozenset({"either"})),
    Row("opposites", "x ≥ y = not x < y;  x ≤ y = not x > y;  x ≠ y = not x = y", _opposite, frozenset(_OPPOSITE)),
    Row("comparison", "x < y = (x − y)/c < 0 for c > 0;  x > y = y < x", _greater, frozenset({"less", "greater"})),
)

"""The torch form of every core operation: one row per operation, from operands to source text.

A row takes the node and the source of its operands, each in the layout of its own type, and gives source in the layout
of the node's type. Functions it calls stand in the files of `losslang.backend.library`; emission copies them.
"""

from __future__ import annotations

from collections.abc import Sequence

from losslang.backend.code import ATOM, PRODUCT, SIGN, Code, call, method, sign
from losslang.backend.matrices import MATRICES
from losslang.backend.operands import Kernel, as_tensor, operands_of, owned, position, positions, spread
from losslang.backend.reductions import REDUCTIONS
from losslang.objective.axes import BATCH, VIEW, Axis
from losslang.objective.graph import Node, walk
from losslang.objective.operations import STATEFUL

__all__ = ["KERNELS"]


_IN_PLACE = {"+": "add_", "-": "sub_", "*": "mul_", "/": "div_"}


def _arithmetic(operator: str) -> Kernel:
    def kernel(node: Node, codes: Sequence[Code]) -> Code:
        (x, y), (one, other) = operands_of(node, codes), node.inputs
        if operator == "+" and y.own and not x.own:
            x, y, one, other = y, x, other, one
        if x.own and one.type.axes == node.type.axes and _fits(operator, one, other):
            return owned(node, method(x, _IN_PLACE[operator], y.text))
        return owned(node, sign(operator, *operands_of(node, codes)))

    return kernel


def _fits(operator: str, one: Node, other: Node) -> bool:
    """Whether a value is written into with another one: the way back keeps neither, and the number format stays."""
    if operator in "+-" and one.trains:
        return not any(node.op in STATEFUL for node in walk([other]))
    return not other.trains and not other.type.dims


def _divide(node: Node, codes: Sequence[Code]) -> Code:
    """A quotient; of Python numbers, one that knows a divisor of 0 (a batch of one image, less one)."""
    x, y = codes
    counted = x.scalar and y.scalar and ".shape[" in y.text
    return call("ratio_of", x.text, y.text, scalar=True) if counted else _arithmetic("/")(node, codes)


def _compare(operator: str) -> Kernel:
    def kernel(node: Node, codes: Sequence[Code]) -> Code:
        found = sign(operator, *operands_of(node, codes))
        return call("torch.tensor", found.text, "device=device") if found.scalar else found

    return kernel


def _logic(operator: str) -> Kernel:
    def kernel(node: Node, codes: Sequence[Code]) -> Code:
        left, right = operands_of(node, codes)
        return Code(f"({left.atom} {operator} {right.atom})")

    return kernel


def _function(name: str, *, in_math: str = "") -> Kernel:
    """A tensor method; of a Python number, a function of Python where there is one."""

    def kernel(node: Node, codes: Sequence[Code]) -> Code:
        (x,) = codes
        if x.scalar and in_math:
            return call(in_math, x.text, scalar=True)
        return method(as_tensor(x), name)

    return kernel


def _called(function: str) -> Kernel:
    """A function of one tensor."""
    return lambda _node, codes: call(function, as_tensor(codes[0]).text)


def _softplus(_node: Node, codes: Sequence[Code]) -> Code:
    """Torch's is x from 20 on, which in float64 is 1e-9 off in the gradient; from 40 on nothing is lost."""
    return call("torch.nn.functional.softplus", as_tensor(codes[0]).text, "threshold=40.0")


def _pair(name: str, scalar: str) -> Kernel:
    def kernel(node: Node, codes: Sequence[Code]) -> Code:
        if all(code.scalar for code in codes):
            return call(scalar, *(code.text for code in codes), scalar=True)
        tensors = [as_tensor(code) for code in codes]
        return call(f"torch.{name}", *(code.text for code in operands_of(node, tensors)))

    return kernel


# ---------------------------------------------------------------- shape


def _first(node: Node, codes: Sequence[Code]) -> Code:
    return method(codes[0], "narrow", position(node.type, node.axes()), "0", str(node["count"]))


def _roll(node: Node, codes: Sequence[Code]) -> Code:
    return method(codes[0], "roll", str(node["shift"]), position(node.type, node.axes()))


def _sort(node: Node, codes: Sequence[Code]) -> Code:
    return owned(node, Code(f"{codes[0].atom}.sort({position(node.type, node.axes())}).values"))


def _linspace(node: Node, _codes: Sequence[Code]) -> Code:
    ends = [repr(node[key]) for key in ("start", "stop", "count")]
    return call("torch.linspace", *ends, "dtype=dtype", "device=device")


# ---------------------------------------------------------------- gradient, assignment, random, views


def _stopgrad(_node: Node, codes: Sequence[Code]) -> Code:
    return codes[0] if codes[0].scalar else method(codes[0], "detach")


def _sinkhorn(node: Node, codes: Sequence[Code]) -> Code:
    samples = node.type.position(BATCH) - len(node.type.dims)
    parts = [codes[0].text, codes[1].text, str(node["iterations"]), str(samples), positions(node.type, node.axes())]
    return call("sinkhorn_codes", *parts, *(code.text for code in codes[2:]))


def _argmax(node: Node, codes: Sequence[Code]) -> Code:
    return call("one_hot_largest", codes[0].text, position(node.type, node.axes()))


def _random_directions(node: Node, codes: Sequence[Code]) -> Code:
    like = node.inputs[0].type
    size = f"{codes[0].atom}.shape[{position(like, node.axes())}]"
    seed = dict(node.attributes).get("seed", node.number)
    return call("unit_directions", str(node["count"]), size, codes[0].text, "self.step", str(seed))


def _counted_along(function: str) -> Kernel:
    """Numbers that depend on how many entries there are along an axis."""

    def kernel(node: Node, codes: Sequence[Code]) -> Code:
        size = f"{codes[0].atom}.shape[{position(node.inputs[0].type, node.axes())}]"
        return call(function, size, codes[0].text)

    return kernel


def _same(node: Node, codes: Sequence[Code]) -> Code:
    of = node["of"]
    assert isinstance(of, Axis)
    size = f"{codes[0].atom}.shape[{position(node.inputs[0].type, [of])}]"
    return call("torch.eye", size, "dtype=torch.bool", "device=device")


def _size(node: Node, codes: Sequence[Code]) -> Code:
    of, axes = node.inputs[0].type, node.axes("axes")
    parts = [f"{codes[0].atom}.shape[{position(of, [axis])}]" for axis in axes]
    return Code(" * ".join(parts), PRODUCT if len(parts) > 1 else ATOM, scalar=True)


def _select(node: Node, codes: Sequence[Code]) -> Code:
    place = node.inputs[0].type.position(VIEW)
    return Code(f"{codes[0].atom}[{':, ' * place}{node['view']}]")


def _take(node: Node, codes: Sequence[Code]) -> Code:
    place, views = node.type.position(VIEW), node["views"]
    assert isinstance(views, tuple)
    numbers = [view for view in views if isinstance(view, int)]
    index = f"{numbers[0]}:{numbers[-1] + 1}" if numbers == list(range(numbers[0], numbers[-1] + 1)) else str(numbers)
    return Code(f"{codes[0].atom}[{':, ' * place}{index}]")


def _stack(node: Node, codes: Sequence[Code]) -> Code:
    to = [axis for axis in node.type.axes if axis.name != "item"]
    items = [spread(as_tensor(code), child.type, to).text for code, child in zip(codes, node.inputs, strict=True)]
    same_shape = all(child.type.axes == node.inputs[0].type.axes for child in node.inputs)
    inner = f"[{', '.join(items)}]" if same_shape else f"torch.broadcast_tensors({', '.join(items)})"
    return call("torch.stack", inner)


MANY = 32
"""Summands beyond which a sum is stacked: Python reads no expression that is thousands of signs deep."""


def _total(node: Node, codes: Sequence[Code]) -> Code:
    if len(codes) > MANY:
        return method(_stack(node, codes), "sum", "0")
    operands = operands_of(node, codes)
    result = operands[0]
    for operand in operands[1:]:
        result = sign("+", result, operand)
    return result


def _negative(node: Node, codes: Sequence[Code]) -> Code:
    return Code(f"-{as_tensor(codes[0]).within(SIGN)}", SIGN, codes[0].scalar)


def _group(node: Node, codes: Sequence[Code]) -> Code:
    place = node.inputs[0].type.position(BATCH)
    parts = [codes[0].text, str(node["rows"]), str(place)]
    if node["shuffle"]:
        parts.append(f"shuffled_order({codes[0].atom}.shape[{place}], {codes[0].text}, self.step)")
    return call("in_groups", *parts)


KERNELS: dict[str, Kernel] = {
    **REDUCTIONS,
    **MATRICES,
    "add": _arithmetic("+"),
    "subtract": _arithmetic("-"),
    "multiply": _arithmetic("*"),
    "divide": _divide,
    "power": lambda node, codes: sign("**", *operands_of(node, codes)),
    "negative": _negative,
    "equal": _compare("=="),
    "not_equal": _compare("!="),
    "less": _compare("<"),
    "less_equal": _compare("<="),
    "greater": _compare(">"),
    "greater_equal": _compare(">="),
    "both": _logic("&"),
    "either": _logic("|"),
    "negate": lambda _node, codes: Code(f"~{codes[0].atom}", SIGN),
    "exp": _function("exp", in_math="math.exp"),
    "log": _function("log", in_math="math.log"),
    "sqrt": _called("safe_sqrt"),
    "abs": _function("abs", in_math="abs"),
    "relu": _function("relu"),
    "tanh": _function("tanh", in_math="math.tanh"),
    "sigmoid": _function("sigmoid"),
    "softplus": _softplus,
    "sin": _function("sin", in_math="math.sin"),
    "cos": _function("cos", in_math="math.cos"),
    "maximum": _pair("maximum", "max"),
    "minimum": _pair("minimum", "min"),
    "normalize": lambda node, codes: call(
        "unit_rows", codes[0].text, positions(node.type, node.axes()), repr(node["eps"])
    ),
    "first": _first,
    "roll": _roll,
    "sort": _sort,
    "linspace": _linspace,
    "stopgrad": _stopgrad,
    "sinkhorn": _sinkhorn,
    "argmax": _argmax,
    "random_directions": _random_directions,
    "normal_quantiles": _counted_along("quantiles_of_normal"),
    "ordinals": _counted_along("one_to"),
    "same": _same,
    "size": _size,
    "select": _select,
    "take": _take,
    "stack": _stack,
    "total": _total,
    "group": _group,
}

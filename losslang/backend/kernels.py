"""The torch form of every core operation: one row per operation, from operands to source text.

A row takes the node and the source of its operands, each in the layout of its own type, and gives source in the layout
of the node's type. Functions it calls are those of `losslang.backend.functions`, which emission copies.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from losslang.backend.code import ATOM, PRODUCT, SIGN, Code, call, method, sign
from losslang.meaning.arrays import contract
from losslang.objective.axes import BATCH, VIEW, Axis, Type
from losslang.objective.graph import Node

__all__ = ["KERNELS", "Kernel", "as_tensor", "joined", "position", "positions", "spread"]

Kernel = Callable[[Node, Sequence[Code]], Code]


def spread(code: Code, of: Type, to: Sequence[Axis]) -> Code:
    """The operand with an axis of length 1 wherever broadcasting does not put one by itself."""
    if code.scalar or not of.dims:
        return code
    first = next(i for i, axis in enumerate(to) if of.has(axis))
    needed = to[first:]
    if all(of.has(axis) for axis in needed):
        return code
    index = ", ".join(":" if of.has(axis) else "None" for axis in needed)
    return Code(f"{code.atom}[{index}]")


def _operands(node: Node, codes: Sequence[Code]) -> list[Code]:
    return [spread(code, child.type, node.type.axes) for code, child in zip(codes, node.inputs, strict=True)]


def _arithmetic(operator: str) -> Kernel:
    def kernel(node: Node, codes: Sequence[Code]) -> Code:
        return sign(operator, *_operands(node, codes))

    return kernel


def _divide(node: Node, codes: Sequence[Code]) -> Code:
    """A quotient; of Python numbers, one that knows a divisor of 0 (a batch of one image, less one)."""
    x, y = codes
    counted = x.scalar and y.scalar and ".shape[" in y.text
    return call("ratio_of", x.text, y.text, scalar=True) if counted else sign("/", *_operands(node, codes))


def _compare(operator: str) -> Kernel:
    def kernel(node: Node, codes: Sequence[Code]) -> Code:
        found = sign(operator, *_operands(node, codes))
        return call("torch.tensor", found.text, "device=device") if found.scalar else found

    return kernel


def _logic(operator: str) -> Kernel:
    def kernel(node: Node, codes: Sequence[Code]) -> Code:
        left, right = _operands(node, codes)
        return Code(f"({left.atom} {operator} {right.atom})")

    return kernel


def as_tensor(code: Code) -> Code:
    """A Python number as a tensor of no axes; a tensor as it is."""
    return call("torch.full", "()", code.text, "dtype=dtype", "device=device") if code.scalar else code


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


def _pair(name: str, scalar: str) -> Kernel:
    def kernel(node: Node, codes: Sequence[Code]) -> Code:
        if all(code.scalar for code in codes):
            return call(scalar, *(code.text for code in codes), scalar=True)
        tensors = [as_tensor(code) for code in codes]
        return call(f"torch.{name}", *(code.text for code in _operands(node, tensors)))

    return kernel


# ---------------------------------------------------------------- reductions


def positions(of: Type, axes: Sequence[Axis]) -> str:
    """Positions counted from the end, as a tuple."""
    places = [of.position(axis) - len(of.dims) for axis in axes]
    return "(" + ", ".join(map(str, places)) + ("," if len(places) == 1 else "") + ")"


def position(of: Type, axes: Sequence[Axis]) -> str:
    """One position bare, several as a tuple."""
    return positions(of, axes).removesuffix(",)").removeprefix("(") if len(axes) == 1 else positions(of, axes)


def joined(node: Node) -> Type:
    """The layout in which an operand and its mask meet."""
    dims = {dim.axis: dim for child in reversed(node.inputs) for dim in child.type.dims}
    return Type.of(dims.values())


def _reduction(name: str, masked: str = "", plain: str = "") -> Kernel:
    def kernel(node: Node, codes: Sequence[Code]) -> Code:
        of, axes = joined(node), node.axes()
        if not axes:
            return method(as_tensor(codes[0]), "abs") if name == "norm" else codes[0]
        x = spread(as_tensor(codes[0]), node.inputs[0].type, of.axes)
        if len(codes) > 1:
            where = spread(codes[1], node.inputs[1].type, of.axes)
            if masked:
                return call(masked, x.text, where.text, positions(of, axes))
            x = (
                call("torch.where", where.text, x.text, "0.0")
                if name == "norm"
                else call("kept_where", x.text, where.text)
            )
        if plain:
            return call(plain, x.text, positions(of, axes))
        if len(axes) == len(of.dims) and name in {"mean", "sum"}:
            return method(x, name)
        return method(x, name, position(of, axes))

    return kernel


def _spread_of(node: Node, codes: Sequence[Code]) -> Code:
    of = joined(node)
    parts = [spread(codes[0], node.inputs[0].type, of.axes).text, positions(of, node.axes()), repr(node["ddof"])]
    if len(codes) > 1:
        parts.append(spread(codes[1], node.inputs[1].type, of.axes).text)
    return call("variance_over", *parts)


def _std(node: Node, codes: Sequence[Code]) -> Code:
    inner = _spread_of(node, codes)
    if node["eps"] == 0:
        return call("safe_sqrt", inner.text)
    return method(Code(f"({inner.text} + {node['eps']!r})"), "sqrt")


def _softmax(*, log: bool) -> Kernel:
    def kernel(node: Node, codes: Sequence[Code]) -> Code:
        of = joined(node)
        x = spread(codes[0], node.inputs[0].type, of.axes)
        if len(codes) > 1:
            x = call("kept_where", x.text, spread(codes[1], node.inputs[1].type, of.axes).text)
        axes = node.axes()
        if len(axes) == 1:
            return method(x, "log_softmax" if log else "softmax", position(of, axes))
        result = call("log_softmax_over", x.text, positions(of, axes))
        return result if log else method(result, "exp")

    return kernel


def _integrate(node: Node, codes: Sequence[Code]) -> Code:
    return call(
        "torch.trapezoid", codes[0].text, f"dx={node['step']!r}", f"dim={position(node.inputs[0].type, node.axes())}"
    )


# ---------------------------------------------------------------- products and shape


def _dot(node: Node, codes: Sequence[Code]) -> Code:
    x, y = node.inputs
    pairs = node.axes("pairs") if any(key == "pairs" for key, _ in node.attributes) else ()
    over = node.axes()
    if not pairs and x.type.axes == y.type.axes:
        return method(sign("*", *codes), "sum", position(x.type, over))
    matrix = _matrix_product(node, codes, over, pairs)
    return matrix or call(
        "torch.einsum", f'"{contract(x.type, y.type, over, pairs, node.type)}"', *(c.text for c in codes)
    )


def _matrix_product(node: Node, codes: Sequence[Code], over: Sequence[Axis], pairs: Sequence[Axis]) -> Code | None:
    """A product such as x @ y.mT, where the operands are laid out for it."""
    x, y = (child.type.axes for child in node.inputs)
    if x != y or len(over) != 1 or len(pairs) != 1 or x[:-2] != tuple(a for a in x if a not in {*over, *pairs}):
        return None
    left, right = codes
    if (*pairs, *over) == x[-2:]:  # rows with rows: [.., batch, feature] -> [.., batch, batch']
        return (
            Code(f"({left.atom} @ {right.atom}.mT)") if node.type.axes[-2:] == (pairs[0], pairs[0].primed()) else None
        )
    if (*over, *pairs) == x[-2:]:  # features with features
        return (
            Code(f"({left.atom}.mT @ {right.atom})") if node.type.axes[-2:] == (pairs[0], pairs[0].primed()) else None
        )
    return None


def _first(node: Node, codes: Sequence[Code]) -> Code:
    return method(codes[0], "narrow", position(node.type, node.axes()), "0", str(node["count"]))


def _roll(node: Node, codes: Sequence[Code]) -> Code:
    return method(codes[0], "roll", str(node["shift"]), position(node.type, node.axes()))


def _sort(node: Node, codes: Sequence[Code]) -> Code:
    return Code(f"{codes[0].atom}.sort({position(node.type, node.axes())}).values")


def _linspace(node: Node, _codes: Sequence[Code]) -> Code:
    ends = [repr(node[key]) for key in ("start", "stop", "count")]
    return call("torch.linspace", *ends, "dtype=dtype", "device=device")


# ---------------------------------------------------------------- matrices


def _with_matrix_last(code: Code, of: Type, axis: Axis) -> Code:
    ends = of.axes[-2:]
    if ends == (axis, axis.primed()):
        return code
    return method(code, "movedim", f"({of.position(axis)}, {of.position(axis.primed())})", "(-2, -1)")


def _on_matrix(function: str, *options: str) -> Kernel:
    def kernel(node: Node, codes: Sequence[Code]) -> Code:
        (axis,) = node.axes()
        of = node.inputs[0].type
        x = _with_matrix_last(codes[0], of, axis)
        result = call(function, x.text, *(repr(node[option]) for option in options))
        if not node.type.has(axis) or of.axes[-2:] == (axis, axis.primed()):
            return result
        return method(result, "movedim", "(-2, -1)", f"({of.position(axis)}, {of.position(axis.primed())})")

    return kernel


def _inverse_root(node: Node, codes: Sequence[Code]) -> Code:
    if node["method"] == "cholesky":
        return _on_matrix("inverse_cholesky")(node, codes)
    return _on_matrix("inverse_symmetric", "floor")(node, codes)


def _nuclear_norm(node: Node, codes: Sequence[Code]) -> Code:
    of, axes = node.inputs[0].type, node.axes()
    x = codes[0]
    if of.axes[-2:] != axes:
        x = method(x, "movedim", "(" + ", ".join(str(of.position(axis)) for axis in axes) + ")", "(-2, -1)")
    return call("nuclear_norm_of", x.text)


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


def _normal_quantiles(node: Node, codes: Sequence[Code]) -> Code:
    size = f"{codes[0].atom}.shape[{position(node.inputs[0].type, node.axes())}]"
    return call("quantiles_of_normal", size, codes[0].text)


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
    operands = _operands(node, codes)
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
    "add": _arithmetic("+"),
    "subtract": _arithmetic("-"),
    "multiply": _arithmetic("*"),
    "divide": _divide,
    "power": _arithmetic("**"),
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
    "softplus": _called("torch.nn.functional.softplus"),
    "sin": _function("sin", in_math="math.sin"),
    "cos": _function("cos", in_math="math.cos"),
    "maximum": _pair("maximum", "max"),
    "minimum": _pair("minimum", "min"),
    "mean": _reduction("mean", masked="masked_mean"),
    "sum": _reduction("sum", masked="masked_sum"),
    "var": _spread_of,
    "std": _std,
    "norm": _reduction("norm", plain="length_over"),
    "max": _reduction("amax", plain="largest_over"),
    "logsumexp": _reduction("logsumexp"),
    "softmax": _softmax(log=False),
    "log_softmax": _softmax(log=True),
    "integrate": _integrate,
    "normalize": lambda node, codes: call(
        "unit_rows", codes[0].text, positions(node.type, node.axes()), repr(node["eps"])
    ),
    "dot": _dot,
    "first": _first,
    "roll": _roll,
    "sort": _sort,
    "linspace": _linspace,
    "logdet": _on_matrix("log_determinant"),
    "matrix_log": _on_matrix("log_series", "order"),
    "inverse_root": _inverse_root,
    "nuclear_norm": _nuclear_norm,
    "eigenvalues": _on_matrix("torch.linalg.eigvalsh"),
    "stopgrad": _stopgrad,
    "sinkhorn": _sinkhorn,
    "argmax": _argmax,
    "random_directions": _random_directions,
    "normal_quantiles": _normal_quantiles,
    "same": _same,
    "size": _size,
    "select": _select,
    "take": _take,
    "stack": _stack,
    "total": _total,
    "group": _group,
}

"""Identities of matrices of products: Gram matrices from either side, diagonals, log-determinants, assignments."""

from __future__ import annotations

from losslang.algebra.polynomial import Factor, combine, content, factors, multiply, parts, power
from losslang.algebra.rewrite import Maker, Row
from losslang.algebra.sums import dims_of, sum_over
from losslang.objective.axes import BATCH, Axis, Type
from losslang.objective.graph import Node

__all__ = ["MATRICES"]


def _paired(node: Node) -> tuple[Axis, ...]:
    return node.axes("pairs") if any(key == "pairs" for key, _ in node.attributes) else ()


def _product(make: Maker, node: Node, x: Node, y: Node) -> Node:
    """The same `dot` of other operands with the same axes."""
    return make.make("dot", (x, y), node.attributes, node.type)


# ---------------------------------------------------------------- products of pairs


def _scalars(node: Node, make: Maker) -> Node | None:
    """Numbers, and values without axes, stand before the product."""
    outside: list[Factor] = []
    inside = []
    for operand in node.inputs:
        taken, rest = _split(operand, make)
        outside += taken
        inside.append(rest)
    if not outside:
        return None
    return multiply(make, [*outside, (_product(make, node, *inside), 1.0)])


def _split(operand: Node, make: Maker) -> tuple[list[Factor], Node]:
    """The scalar factors of an operand, and the rest."""
    scale = content(operand)
    value = operand if scale == 1 else combine(make, [(1 / scale, operand)])
    found = factors(value)
    scalars = [(b, p) for b, p in found if not b.type.dims]
    if len(scalars) == len(found):
        scalars = []
    rest = multiply(make, [(b, p) for b, p in found if b.type.dims]) if scalars else value
    return [*scalars, *([] if scale == 1 else [(make.constant(scale), 1.0)])], rest


def _gram_square(node: Node, make: Maker) -> Node | None:
    """‖ZᵀZ‖² summed as ‖ZZᵀ‖², whichever pairs the later axis."""
    found = factors(node.inputs[0])
    if len(found) != 1 or found[0][0].op != "dot" or found[0][1] != 2:
        return None
    product, over = found[0][0], node.axes()
    (x, y), pairs, summed = product.inputs, _paired(product), product.axes()
    if x is not y or len(pairs) != 1 or len(summed) != 1 or not {pairs[0], pairs[0].primed()} <= set(over):
        return None
    inner, outer = summed[0], pairs[0]
    if not outer.place < inner.place or node.type.has(inner) or product.type.has(inner.primed()):
        return None
    other = make.call("dot", x, y, over=(outer,), pairs=(inner,))
    kept = [dim for dim in dims_of(node, make) if dim.axis not in {outer, outer.primed()}]
    both = [d for d in other.type.dims if d.axis in {inner, inner.primed()}]
    return sum_over(make, power(make, other, 2), [*kept, *both])


def _turned(node: Node, make: Maker) -> Node | None:
    """A sum over both axes of a product of pairs does not ask which operand comes first."""
    found = factors(node.inputs[0])
    products = [(b, p) for b, p in found if b.op == "dot" and _paired(b)]
    if len(products) != 1 or not all(_symmetric(b, node.axes()) for b, _ in found if b is not products[0][0]):
        return None
    product, exponent = products[0]
    x, y = product.inputs
    pairs = _paired(product)
    plain = all({axis, axis.primed()} <= set(node.axes()) for axis in pairs)
    if not plain or x.type.axes != y.type.axes or make.key(x) <= make.key(y):
        return None
    rest = [(b, p) for b, p in found if b is not product]
    turned = make.make("dot", (y, x), product.attributes, product.type)
    return sum_over(make, multiply(make, [*rest, (turned, exponent)]), dims_of(node, make))


def _symmetric(base: Node, over: tuple[Axis, ...]) -> bool:
    """Whether a factor is the same with the axes of the pair exchanged."""
    return base.op == "same" or not any(base.type.has(axis) or base.type.has(axis.primed()) for axis in over)


def _pairs_summed(node: Node, make: Maker) -> Node | None:
    """Σ_ij x_i·y_j = (Σ_i x_i)·(Σ_j y_j), of a product of pairs that nothing else meets."""
    found = factors(node.inputs[0])
    for base, exponent in found:
        others = [(b, p) for b, p in found if b is not base]
        pairs = _paired(base) if base.op == "dot" else ()
        both = {axis for pair in pairs for axis in (pair, pair.primed())}
        free = both <= set(node.axes()) and not any(b.type.has(axis) for b, _ in others for axis in both)
        if not pairs or exponent != 1 or not free:
            continue
        sides = [sum_over(make, x, [d for d in x.type.dims if d.axis in pairs]) for x in base.inputs]
        if any(axis not in side.type.axes for side in sides for axis in base.axes()):
            continue
        over = [dim for dim in sides[0].type.dims if dim.axis in base.axes()]
        value = sum_over(make, multiply(make, [(side, 1.0) for side in sides]), over)
        return sum_over(
            make, multiply(make, [*others, (value, 1.0)]), [d for d in dims_of(node, make) if d.axis not in both]
        )
    return None


# ---------------------------------------------------------------- diagonals


def _diagonal_sum(node: Node, make: Maker) -> Node | None:
    """Σ_j δ_ij·f_ij = f_ii."""
    found = factors(node.inputs[0])
    for base, exponent in found:
        if base.op != "same" or exponent != 1:
            continue
        axis = base["axis"]
        assert isinstance(axis, Axis)
        if axis.primed() not in node.axes():
            continue
        rest = multiply(make, [(b, p) for b, p in found if b is not base])
        value = _diagonal(make, rest, axis)
        if value is None:
            continue
        return sum_over(make, value, [dim for dim in dims_of(node, make) if dim.axis != axis.primed()])
    return None


def _diagonal(make: Maker, node: Node, axis: Axis) -> Node | None:
    """The entries with equal indices of [axis, axis'], without axis'."""
    if not node.type.has(axis.primed()):
        return node
    if node.op == "same" and node["axis"] == axis:
        return make.constant(1.0)
    if node.op == "dot":
        return _diagonal_of_product(make, node, axis)
    if node.op not in {"combination", "monomial", "exp", "log"}:
        return None
    inputs = [_diagonal(make, child, axis) for child in node.inputs]
    if any(child is None for child in inputs):
        return None
    whole = [child for child in inputs if child is not None]
    if node.op == "combination":
        scales = [scale for scale, _ in parts(node)[0]]
        return combine(make, zip(scales, whole, strict=True), parts(node)[1])
    if node.op == "monomial":
        return multiply(make, zip(whole, [p for _, p in factors(node)], strict=True))
    return make.make(node.op, whole, node.attributes, node.type.without([axis.primed()]))


def _diagonal_of_product(make: Maker, node: Node, axis: Axis) -> Node | None:
    pairs = _paired(node)
    x, y = node.inputs
    if axis not in pairs or any(a.primes for a in (*x.type.axes, *y.type.axes)):
        return None
    if pairs == (axis,):
        dims = [x.type.find(a) for a in node.axes()]
        return sum_over(make, multiply(make, [(x, 1.0), (y, 1.0)]), [dim for dim in dims if dim is not None])
    return make.call("dot", x, y, over=node.axes(), pairs=tuple(a for a in pairs if a != axis))


# ---------------------------------------------------------------- spectra


def _sylvester(node: Node, make: Maker) -> Node | None:
    """logdet(I + a·ZZᵀ) on the side of the later axis."""
    inner, offset = parts(node.inputs[0])
    axis = node.axes()[0]
    if len(inner) != 2 or offset:
        return None
    eye = next((b for c, b in inner if b.op == "same" and b["axis"] == axis and c == 1), None)
    scale, other = next(((c, b) for c, b in inner if b is not eye), (0.0, None))
    if eye is None or other is None:
        return None
    found = factors(other)
    products = [b for b, p in found if b.op == "dot" and p == 1 and _paired(b) == (axis,)]
    if len(products) != 1 or any(b.type.dims for b, _ in found if b is not products[0]):
        return None
    product = products[0]
    x, y = product.inputs
    summed = product.axes()
    if x is not y or len(summed) != 1 or not axis.place < summed[0].place or product.type.has(summed[0]):
        return None
    turned = make.call("dot", x, y, over=(axis,), pairs=summed)
    dims = [dim for dim in turned.type.dims if dim.axis in {summed[0], summed[0].primed()}]
    same = make.make("same", (), (("axis", summed[0]),), Type.of(dims, "mask"), frozenset())
    rest = multiply(make, [(b, p) for b, p in found if b is not product] + [(turned, 1.0)])
    matrix = combine(make, [(1.0, same), (scale, rest)])
    return make.make("logdet", (matrix,), (("over", summed[0]),), node.type)


def _log_spectrum(node: Node, make: Maker) -> Node | None:
    x = node.inputs[0]
    if x.op != "log" or x.inputs[0].op != "eigenvalues" or node.axes() != (Axis("rank"),):
        return None
    matrix = x.inputs[0]
    return make.make("logdet", matrix.inputs, matrix.attributes, node.type)


def _spectrum_sum(node: Node, make: Maker) -> Node | None:
    found = factors(node.inputs[0])
    if (
        len(found) != 1
        or found[0][0].op != "eigenvalues"
        or found[0][1] not in {1, 2}
        or node.axes() != (Axis("rank"),)
    ):
        return None
    (eigenvalues, exponent) = found[0]
    matrix, axis = eigenvalues.inputs[0], eigenvalues.axes()[0]
    dims = [dim for dim in matrix.type.dims if dim.axis in {axis, axis.primed()}]
    if exponent == 2:
        return sum_over(make, power(make, matrix, 2), dims)
    same = make.make("same", (), (("axis", axis),), Type.of(dims, "mask"), frozenset())
    return sum_over(make, multiply(make, [(matrix, 1.0), (same, 1.0)]), dims)


def _homogeneous(node: Node, make: Maker) -> Node | None:
    """f(c·x) = c·f(x) for c > 0."""
    scale = abs(content(node.inputs[0]))
    if scale == 1 or not parts(node.inputs[0])[0] or (node.op == "nuclear_norm" and len(node.inputs) > 1):
        return None
    inner = combine(make, [(1 / scale, node.inputs[0])])
    return combine(make, [(scale, make.again(node, [inner, *node.inputs[1:]]))])


# ---------------------------------------------------------------- assignments


def _assignment(node: Node, make: Maker) -> Node | None:
    """Sinkhorn of x at ε is that of x/ε at 1; numbers, and one number for each prototype, change nothing."""
    x, epsilon, *also = node.inputs
    if epsilon.op == "constant" and epsilon["value"] == 1.0:
        return _shifted(node, make) if not also else None
    scaled = [multiply(make, [(value, 1.0), (epsilon, -1.0)]) for value in (x, *also)]
    inputs = [scaled[0], make.constant(1.0), *scaled[1:]]
    return make.make("sinkhorn", inputs, node.attributes, node.type, frozenset())


def _shifted(node: Node, make: Maker) -> Node | None:
    inner, offset = parts(node.inputs[0])
    kept = [(scale, body) for scale, body in inner if body.type.has(BATCH)]
    if (len(kept) == len(inner) and not offset) or not kept:
        return None
    return make.make("sinkhorn", (combine(make, kept), node.inputs[1]), node.attributes, node.type, frozenset())


def _assigned(node: Node, make: Maker) -> Node | None:
    found = factors(node.inputs[0])
    if len(found) != 1 or found[0][0].op not in {"sinkhorn", "argmax"} or found[0][1] != 1:
        return None
    value = found[0][0]
    over = Axis("prototype") if value.op == "sinkhorn" else value.axes()[0]
    if over not in node.axes():
        return None
    return sum_over(make, make.constant(1.0), [dim for dim in dims_of(node, make) if dim.axis != over])


_SUM = frozenset({"sum"})

MATRICES = (
    Row("diagonal", "Σ_j δ_ij·f_ij = f_ii;  (ZᵀZ)_ii = Σ_b z_bi²", _diagonal_sum, _SUM),
    Row("sum_of_pairs", "Σ_ij x_i·y_j = (Σ_i x_i)·(Σ_j y_j)", _pairs_summed, _SUM),
    Row("gram_square", "‖Zᵀ Z‖² = ‖Z Zᵀ‖²", _gram_square, _SUM),
    Row("transpose", "Σ_ij (Xᵀ Y)_ij^p = Σ_ij (Yᵀ X)_ij^p", _turned, _SUM),
    Row("log_spectrum", "Σ log λ(M) = log det M", _log_spectrum, _SUM),
    Row("spectrum", "Σ λ(M) = tr M;  Σ λ(M)² = ‖M‖² of a symmetric matrix", _spectrum_sum, _SUM),
    Row("assigned", "every sample's assignment sums to 1", _assigned, _SUM),
    Row("scalars_of_product", "(a·X)ᵀ (b·Y) = a·b·Xᵀ Y", _scalars, frozenset({"dot"})),
    Row("sylvester", "log det(I + a·Z Zᵀ) = log det(I + a·Zᵀ Z)", _sylvester, frozenset({"logdet"})),
    Row("homogeneous", "f(c·x) = c·f(x) for c > 0: max, sort, singular values", _homogeneous,
        frozenset({"max", "sort", "nuclear_norm"})),
    Row("assignment", "Q(x, ε) = Q(x/ε, 1);  Q(x + a + b_k, 1) = Q(x, 1)", _assignment, frozenset({"sinkhorn"})),
)  # fmt: skip

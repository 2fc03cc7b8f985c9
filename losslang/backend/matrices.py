"""The torch form of products and of functions of matrices."""

from __future__ import annotations

from collections.abc import Sequence

from losslang.backend.code import Code, call, method, sign
from losslang.backend.operands import Kernel, owned, position
from losslang.meaning.arrays import contract
from losslang.objective.axes import Axis, Type
from losslang.objective.graph import Node

__all__ = ["MATRICES"]


def _dot(node: Node, codes: Sequence[Code]) -> Code:
    x, y = node.inputs
    pairs = node.axes("pairs") if any(key == "pairs" for key, _ in node.attributes) else ()
    over = node.axes()
    if not pairs and x.type.axes == y.type.axes:
        return method(sign("*", *codes), "sum", position(x.type, over))
    matrix = _matrix_product(node, codes, over, pairs)
    return (owned(node, matrix) if matrix else None) or call(
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
    matrices = list(codes)
    if of.axes[-2:] != axes:
        at = "(" + ", ".join(str(of.position(axis)) for axis in axes) + ")"
        matrices = [method(x, "movedim", at, "(-2, -1)") for x in codes]
    return call("nuclear_norm_of", *(x.text for x in matrices))


MATRICES: dict[str, Kernel] = {
    "dot": _dot,
    "logdet": _on_matrix("log_determinant"),
    "matrix_log": _on_matrix("log_series", "order"),
    "inverse_root": _inverse_root,
    "nuclear_norm": _nuclear_norm,
    "eigenvalues": _on_matrix("torch.linalg.eigvalsh"),
}

"""The torch form of reductions, with and without a mask."""

from __future__ import annotations

from collections.abc import Sequence

from losslang.backend.code import Code, call, method
from losslang.backend.operands import Kernel, as_tensor, is_large, joined, position, positions, spread
from losslang.objective.graph import Node

__all__ = ["REDUCTIONS"]


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
        if name == "mean" and node.trains and is_large(of):
            return call("mean_over", x.text, position(of, axes))
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


REDUCTIONS: dict[str, Kernel] = {
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
}

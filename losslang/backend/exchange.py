"""The torch form of the nodes that many processes add (`losslang.algebra.collectives`): one row per operation.

`share` is what a process holds of the batch (`losslang.networks.processes.Share`). What does not wait for each other is asked
for in one exchange (`EXCHANGED`, `losslang.algebra.schedule`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from losslang.backend.code import Code, call, method
from losslang.backend.fused_kernels import FUSED_KERNELS, laid_out
from losslang.backend.operands import Kernel, as_tensor, joined, position, positions, spread
from losslang.backend.state import READS, Names, StateForm, memory_buffers, only_take_over
from losslang.objective.axes import BATCH, Axis, Type
from losslang.objective.graph import Node
from losslang.objective.schedules import Clock

__all__ = ["CALLED", "EXCHANGED", "EXCHANGE_KERNELS", "EXCHANGE_STATES"]


def _along_batch(function: str) -> Kernel:
    """A function of a value and the position of its axis `batch`."""
    return lambda node, codes: call(function, codes[0].text, str(node.type.position(BATCH)))


def _sum(_node: Node, code: Code, alike: bool) -> str:  # noqa: FBT001 - a row of the table
    return f"Sum({code.text}{', alike=True' if alike else ''})"


def _log_sum(_node: Node, code: Code, alike: bool) -> str:  # noqa: FBT001
    return f"LogSum({code.text}{', alike=True' if alike else ''})"


def _largest(node: Node, code: Code, _alike: bool) -> str:  # noqa: FBT001
    return f"Largest({code.text}, {positions(node.inputs[0].type, node.axes())})"


def _rows(node: Node, code: Code, alike: bool) -> str:  # noqa: FBT001
    return f"Rows({code.text}, {node.type.position(BATCH)}{', alike=True' if alike else ''})"


def _columns(node: Node, code: Code, _alike: bool) -> str:  # noqa: FBT001
    return f"Columns({code.text}, {node.type.position(BATCH)})"


EXCHANGED: Mapping[str, Callable[[Node, Code, bool], str]] = {
    "across": _sum,
    "log_sum_across": _log_sum,
    "largest_across": _largest,
    "gathered": _rows,
    "columns": _columns,
}
"""What is asked for in an exchange, from an operand, and whether its gradient is the same on all processes."""


def _masked(function: str) -> Kernel:
    """A function of a value and a mask in the layout where they meet, and of the positions of the axes worked over."""

    def kernel(node: Node, codes: Sequence[Code]) -> Code:
        of = joined(node)
        pair = [spread(as_tensor(c), child.type, of.axes).text for c, child in zip(codes, node.inputs, strict=True)]
        over = [positions(of, node.axes())] if any(key == "over" for key, _ in node.attributes) else []
        return call(function, *pair, *over)

    return kernel


def _logdet_by_probes(node: Node, codes: Sequence[Code]) -> Code:
    one = FUSED_KERNELS["logdet_by_probes"](node, codes)
    return Code(f"{one.text[:-1]}, share)")


# ---------------------------------------------------------------- functions that communicate


def _share(code: Code, of: Type, rows: Sequence[Axis]) -> str:
    """The share of values that have several rows for each of the batch."""
    others = [axis for axis in rows if axis != BATCH]
    if not others:
        return "share"
    return f"share.times({' * '.join(f'{code.atom}.shape[{of.position(axis)}]' for axis in others)})"


Calls = Sequence[Sequence[Code]]
"""The operands of several nodes that are applied alike."""


def _stacked(parts: Sequence[str]) -> str:
    """The operands of several nodes as one, [node, ...]."""
    return parts[0] if len(parts) == 1 else f"torch.stack([{', '.join(parts)}])"


def _laid_out(nodes: Sequence[Node], calls: Calls, place: int) -> str:
    """An operand as [..., row, k]; those of several nodes as one, [node, ..., row, k]."""
    node = nodes[0]
    rows, columns = (node.axes("pairs"), node.axes()) if _of_rows(node) else (node.axes(), node.axes("pairs"))
    of = node.inputs[place].type
    return _stacked([laid_out(codes[place], of, rows, columns).text for codes in calls])


def _of_rows(node: Node) -> bool:
    """Whether products are those of rows with rows."""
    return BATCH not in node.axes()


def _share_of(node: Node, codes: Sequence[Code]) -> str:
    return _share(codes[0], node.inputs[0].type, node.axes("pairs") if _of_rows(node) else node.axes())


def _squared_products(nodes: Sequence[Node], calls: Calls, _alike: bool) -> Code:  # noqa: FBT001
    node, x = nodes[0], _laid_out(nodes, calls, 0)
    rest = [calls[0][2].text, _share_of(node, calls[0]), f"hollow={node['hollow']}"]
    if _of_rows(node):
        return call("squared_similarities_of_all", x, *rest)
    second = "None" if node.inputs[0] is node.inputs[1] else _laid_out(nodes, calls, 1)
    return call("squared_products_of_all", x, second, *rest)


def _logdet_of_products(nodes: Sequence[Node], calls: Calls, alike: bool) -> Code:  # noqa: FBT001
    share = _share_of(nodes[0], calls[0])
    return call("logdet_of_products_of_all", _laid_out(nodes, calls, 0), calls[0][1].text, share, f"alike={alike}")


def _trace_of_log(nodes: Sequence[Node], calls: Calls, alike: bool) -> Code:  # noqa: FBT001
    node = nodes[0]
    parts = [_laid_out(nodes, calls, 0), _laid_out(nodes, calls, 1), calls[0][2].text, calls[0][3].text]
    rest = [str(node["order"]), _share_of(node, calls[0]), f"of_rows={_of_rows(node)}", f"alike={alike}"]
    return call("trace_of_log_of_all", *parts, *rest)


def _sinkhorn(nodes: Sequence[Node], calls: Calls, _alike: bool) -> Code:  # noqa: FBT001
    node, scores = nodes[0], _stacked([codes[0].text for codes in calls])
    parts = [scores, calls[0][1].text, str(node["iterations"]), positions(node.type, node.axes()), "share"]
    return call("sinkhorn_of_all", *parts, *(code.text for code in calls[0][2:]))


def _argmax(nodes: Sequence[Node], calls: Calls, _alike: bool) -> Code:  # noqa: FBT001
    values = _stacked([codes[0].text for codes in calls])
    return call("one_hot_of_all", values, position(nodes[0].type, nodes[0].axes()), "share")


CALLED: Mapping[str, Callable[[Sequence[Node], Calls, bool], Code]] = {
    "squared_products_across": _squared_products,
    "logdet_of_products_across": _logdet_of_products,
    "trace_of_log_across": _trace_of_log,
    "sinkhorn_across": _sinkhorn,
    "argmax_across": _argmax,
}
"""Functions that communicate: one call for all values to which they are applied alike at the same time, which begins there."""


def _logsumexp_of_products(node: Node, codes: Sequence[Code]) -> Code:
    (x, y), over = (child.type for child in node.inputs[:2]), node.axes()
    rows, columns = ([axis for axis in of.axes if axis not in over] for of in (x, y))
    own, others = laid_out(codes[0], x, rows, over), laid_out(codes[1], y, columns, over)
    shapes = [f"{codes[0].atom}.shape[{x.position(axis)}]" for axis in rows]
    views = shapes[0] if len(rows) > 1 else "1"
    parts = [own.text, others.text, codes[2].text, repr(node["dropped"]), views, "self.given"]
    result = call("logsumexp_of_all_similarities", *parts)
    return method(result, "unflatten", "0", f"({', '.join(shapes)})") if len(rows) > 1 else result


EXCHANGE_KERNELS: Mapping[str, Kernel] = {
    "own_rows": _along_batch("share.own"),
    "image_numbers": lambda _node, _codes: Code("rows"),
    "rows_of_all": lambda _node, _codes: Code("share.rows", scalar=True),
    "own_same": lambda _node, _codes: call("share.same"),
    "entries": _masked("masked_count"),
    "kept": _masked("kept_where"),
    "logdet_by_probes_across": _logdet_by_probes,
    "quantiles_across": lambda _node, codes: call("quantiles_of_normal", "share.rows", codes[0].text),
    "ordinals_across": lambda _node, codes: call("one_to", "share.rows", codes[0].text),
    "logsumexp_of_products_across": _logsumexp_of_products,
}


def _memory(node: Node, codes: Sequence[Code], names: Names, _clock: Clock) -> tuple[list[str], Code]:
    name, place = names.of(node), node.type.position(BATCH)
    to_front = f".movedim({place}, 0)" if place else ""
    new = f"{codes[0].atom}{to_front}.to(self.{name}.dtype)"
    return ["if self.training:", f"    self.{name}_next.index_copy_(0, {codes[1].text}, {new})"], Code("None")


def _kept_state(node: Node, _codes: Sequence[Code], names: Names, _clock: Clock) -> tuple[list[str], Code]:
    return [], READS[str(node["of"])](node, names)


EXCHANGE_STATES: Mapping[str, StateForm] = {
    "memory_across": StateForm(memory_buffers, _memory, only_take_over),
    "kept_state": StateForm(memory_buffers, _kept_state, only_take_over),
}

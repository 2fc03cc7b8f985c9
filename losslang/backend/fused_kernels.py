"""The source of every fused operation: from operands to a call of a function of `losslang.backend.fused`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from losslang.backend.code import Code, call, method
from losslang.objective.axes import BATCH, VIEW, Axis, Type
from losslang.objective.graph import Node

__all__ = ["FUSED_KERNELS", "laid_out"]

Kernel = Callable[[Node, Sequence[Code]], Code]


def laid_out(code: Code, of: Type, rows: Sequence[Axis], columns: Sequence[Axis]) -> Code:
    """A value with further axes first, then `rows` as one axis and `columns` as one."""
    last = [*rows, *columns]
    order = [*(axis for axis in of.axes if axis not in last), *last]
    if order != list(of.axes):
        code = method(code, "permute", ", ".join(str(of.position(axis)) for axis in order))
    if len(columns) > 1:
        code = method(code, "flatten", str(-len(columns)), "-1")
    if len(rows) > 1:
        code = method(code, "flatten", str(-len(rows) - 1), "-2")
    return code


def _pairs(node: Node) -> tuple[Axis, ...]:
    return node.axes("pairs")


def _squared_products(node: Node, codes: Sequence[Code]) -> Code:
    x, y = (laid_out(c, n.type, node.axes(), _pairs(node)) for c, n in zip(codes, node.inputs[:2], strict=False))
    second = "None" if node.inputs[0] is node.inputs[1] else y.text
    return call("squared_products", x.text, second, codes[2].text, f"hollow={node['hollow']}")


def _logdet_of_products(node: Node, codes: Sequence[Code]) -> Code:
    x = laid_out(codes[0], node.inputs[0].type, node.axes(), _pairs(node))
    return call("logdet_of_products", x.text, codes[1].text)


def _logdet_by_probes(node: Node, codes: Sequence[Code]) -> Code:
    x = laid_out(codes[0], node.inputs[0].type, node.axes(), _pairs(node))
    return call("logdet_by_probes", x.text, codes[1].text, codes[2].text, str(node["steps"]))


def _trace_of_log(node: Node, codes: Sequence[Code]) -> Code:
    x, y = (laid_out(c, n.type, node.axes(), _pairs(node)) for c, n in zip(codes, node.inputs[:2], strict=False))
    return call("trace_of_log", x.text, y.text, codes[2].text, codes[3].text, str(node["order"]))


def _rows_and_columns(node: Node, codes: Sequence[Code]) -> tuple[list[str], list[Axis]]:
    """Operands and scale of products of every row of x with every row of y, and the axes of the rows."""
    x, y = node.inputs[:2]
    before = (VIEW,) if "ones" in dict(node.attributes) and node["ones"] else ()
    rows, columns = ([a for a in of.type.axes if a not in {*node.axes(), *before}] for of in (x, y))
    parts = [laid_out(codes[0], x.type, rows, node.axes()).text]
    parts.append("None" if x is y else laid_out(codes[1], y.type, columns, node.axes()).text)
    return [*parts, codes[2].text], rows


def _logsumexp_of_products(node: Node, codes: Sequence[Code]) -> Code:
    parts, rows = _rows_and_columns(node, codes)
    dropped = str(node["dropped"])
    parts.append("()" if dropped == "nothing" else _diagonals(dropped, codes[1], node.inputs[1].type))
    parts.append("self.given")
    if node["attracted"] != "nothing":
        parts.append(f"attracted={_diagonals(str(node['attracted']), codes[1], node.inputs[1].type)}")
    result = call("logsumexp_of_similarities", *parts)
    if len(rows) < 2:
        return result
    shape = [f"{codes[0].atom}.shape[{node.inputs[0].type.position(axis)}]" for axis in rows]
    return method(result, "unflatten", "0", f"({', '.join(shape)})")


def _contrast_of_products(node: Node, codes: Sequence[Code]) -> Code:
    parts, rows = _rows_and_columns(node, codes)
    parts.append("self.given")
    if node["attracted"] == "beside":
        parts.append(f"beside={laid_out(codes[3], node.inputs[3].type, rows, node.axes()).text}")
    for option in ("dropped", "attracted"):
        if node[option] not in {"nothing", "beside"}:
            parts.append(f"{option}={_diagonals(str(node[option]), codes[1], node.inputs[1].type)}")
    if node["units"]:
        units = node["units"]
        assert isinstance(units, tuple)
        parts.append(f"units=({', '.join(repr(node['eps']) if n in units else 'None' for n in (0, 1, 3))})")
    if node["ones"]:
        pairs = zip(node["ones"], node["others"], strict=True)  # type: ignore[arg-type]
        parts.append(f"pairs=({', '.join(str(pair) for pair in pairs)},)")
    return call("contrast_of_similarities", *parts)


def _cosines_of_views(node: Node, codes: Sequence[Code]) -> Code:
    return call("cosines_of_views", codes[0].text, codes[1].text, repr(node["eps"]), repr(node["others"]))


def _cosines_of_pairs(node: Node, codes: Sequence[Code]) -> Code:
    pairs = [str(pair) for pair in zip(node["ones"], node["others"], node["shifts"], strict=True)]  # type: ignore[arg-type]
    second = "None" if node.inputs[0] is node.inputs[1] else codes[1].text
    return call("cosines_of_pairs", codes[0].text, second, repr(node["eps"]), f"({', '.join(pairs)},)")


def _cross_entropies(node: Node, codes: Sequence[Code]) -> Code:
    pairs = [str(pair) for pair in zip(node["ones"], node["others"], strict=True)]  # type: ignore[arg-type]
    return call("cross_entropies", *(code.text for code in codes), *([f"({', '.join(pairs)},)"] if pairs else []))


def _nearest_rows(node: Node, codes: Sequence[Code]) -> Code:
    return call("nearest_rows", *(code.text for code in codes))


def _diagonals(dropped: str, code: Code, of: Type) -> str:
    """The diagonals of [(view batch), (view' batch')] that hold equal images."""
    if dropped == "self":
        return "(0,)"
    views, batch = of.find(VIEW), f"{code.atom}.shape[{of.position(BATCH)}]"
    assert views is not None
    assert views.known is not None
    others = [n for n in range(1 - views.known, views.known) if n or dropped == "image"]
    return "(" + ", ".join(f"{n} * {batch}" if n not in {0, 1} else [str(n), batch][n] for n in others) + ",)"


def _standardized(node: Node, codes: Sequence[Code]) -> Code:
    places = [node.type.position(axis) - len(node.type.dims) for axis in node.axes()]
    return call(
        "standardized", codes[0].text, f"({', '.join(map(str, places))},)", repr(node["ddof"]), repr(node["eps"])
    )


def _correlations(node: Node, codes: Sequence[Code]) -> Code:
    z = laid_out(codes[0], node.inputs[0].type, node.axes(), _pairs(node))
    return call("correlations", z.text, codes[1].text, repr(node["ddof"]), repr(node["eps"]))


def _product_with_running(node: Node, codes: Sequence[Code]) -> Code:
    """The state that is moved on is the buffer after the one that is read."""
    x, _, state, y, _, _ = node.inputs
    rows = [laid_out(codes[0], x.type, node.axes(), _pairs(node)).text]
    rows.append("None" if x is y else laid_out(codes[3], y.type, state.axes(), _pairs(state)).text)
    after = f"{codes[2].text}_next if self.training else None"
    numbers = (codes[4].text, codes[5].text)
    return call("product_with_running", rows[0], codes[1].text, codes[2].text, after, rows[1], *numbers)


def _waves(node: Node, codes: Sequence[Code]) -> Code:
    x, knots = node.inputs
    rest = [axis for axis in x.type.axes if axis not in node.axes()]
    ends = [repr(knots[key]) for key in ("start", "stop", "count")]
    return call("waves", laid_out(codes[0], x.type, node.axes(), rest[-1:]).text, *ends)


def _chosen_rows(node: Node, codes: Sequence[Code]) -> Code:
    (axis,), (scores, y) = node.axes(), node.inputs
    rows = laid_out(codes[1], y.type, [axis], [a for a in y.type.axes if a != axis and not scores.type.has(a)])
    return call("chosen_rows", codes[0].text, rows.text, str(scores.type.position(axis)))


FUSED_KERNELS: Mapping[str, Kernel] = {
    "squared_products": _squared_products,
    "logdet_of_products": _logdet_of_products,
    "trace_of_log": _trace_of_log,
    "logsumexp_of_products": _logsumexp_of_products,
    "logdet_by_probes": _logdet_by_probes,
    "deflated_probes": lambda _node, codes: call("deflated_probes", codes[0].text, codes[1].text),
    "contrast_of_products": _contrast_of_products,
    "cosines_of_views": _cosines_of_views,
    "cosines_of_pairs": _cosines_of_pairs,
    "cross_entropies": _cross_entropies,
    "nearest_rows": _nearest_rows,
    "squared_length": lambda _node, codes: call("squared_length", codes[0].text),
    "standardized": _standardized,
    "correlations": _correlations,
    "diagonal_of": lambda _node, codes: Code(f"{codes[0].atom}.diagonal"),
    "squares_of": lambda _node, codes: Code(f"{codes[0].atom}.squares"),
    "product_with_running": _product_with_running,
    "whitened": lambda _node, codes: call("whitened", *(code.text for code in codes)),
    "waves": _waves,
    "cosines_of": lambda _node, codes: Code(f"{codes[0].atom}.cosines"),
    "sines_of": lambda _node, codes: Code(f"{codes[0].atom}.sines"),
    "chosen_rows": _chosen_rows,
}

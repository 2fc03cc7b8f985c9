"""Rows for contrast as a whole: the mean of log-sum-exps of similarities, less the mean of what is attracted."""

from __future__ import annotations

from losslang.algebra.masked import Terms, sum_of_kept
from losslang.algebra.patterns import Affine, affine, axes_of
from losslang.algebra.rewrite import Maker, Row
from losslang.objective.axes import BATCH, VIEW
from losslang.objective.graph import Node

__all__ = ["CONTRASTS", "view_of"]

NAME, ROWS = "contrast_of_products", "logsumexp_of_products"


def _contrast(of: Node, make: Maker, attracted: str = "nothing") -> Node:
    """The mean of log-sum-exps, less that of what is attracted."""
    kept = {key: of[key] for key in ("over", "pairs", "dropped")}
    return make.call(NAME, *of.inputs, **kept, attracted=attracted)


def _is_mean(node: Node) -> bool:
    """Whether a node is the mean over every entry."""
    return node.op == "mean" and len(node.inputs) == 1 and set(axes_of(node)) == set(node.inputs[0].type.axes)


def _mean(node: Node, make: Maker) -> Node | None:
    if not _is_mean(node):
        return None
    (of,) = node.inputs
    if _is_bare(of):
        return _contrast(of, make)
    if of.op == ROWS and of["attracted"] == "views" and _has_two_views(of):
        return _contrast(of, make, "views")
    if of.op == "subtract" and _is_bare(of.inputs[0]):
        rows, less = of.inputs
        if _is_own(_scaled(less, rows, make), rows):
            return _contrast(rows, make, "self")
    return None


def _is_bare(node: Node) -> bool:
    """Whether a node is log-sum-exps of rows of products, and nothing is taken off."""
    return node.op == ROWS and node["attracted"] == "nothing"


def _scaled(node: Node, of: Node, make: Maker) -> Node | None:
    """What a node is `scale` times, for the scale of another."""
    scale = of.inputs[2]
    if node.op == "multiply" and scale in node.inputs:
        return node.inputs[0] if node.inputs[1] is scale else node.inputs[1]
    found = affine(node, make)
    bare = found.offset is None and found.hollow is None and found.diagonal is None
    return found.core if bare and found.scale is scale else None


def _is_own(node: Node | None, of: Node) -> bool:
    """Whether a node is the product of every row of x with the row of y at its place."""
    x, y = of.inputs[:2]
    if (
        node is None
        or node.op != "dot"
        or axes_of(node, "pairs")
        or axes_of(node) != axes_of(of)
        or x.type.axes != y.type.axes
    ):
        return False
    return set(node.inputs) == {x, y} and node.type.axes == x.type.without(axes_of(of)).axes


def _less(node: Node, make: Maker) -> Node | None:
    if node.op != "subtract" or node.inputs[0].op != NAME or node.inputs[0]["attracted"] != "nothing":
        return None
    contrast, less = node.inputs
    if contrast["ones"]:
        return None
    if less is _views_attracted(contrast, "mean", make):
        return _contrast(contrast, make, "views")
    mean = _scaled(less, contrast, make)
    products = mean.inputs[0] if mean is not None and _is_mean(mean) else None
    if _is_own(products, contrast):
        return _contrast(contrast, make, "self")
    return _contrast(contrast, make, "views") if _is_of_two_views(products, contrast) else None


def _views_attracted(of: Node, op: str, make: Maker) -> Node | None:
    """As `sum_of_products` writes it: the mean product of rows with the other views of their image, or every row's sum."""
    x, y, scale = of.inputs
    pairs = axes_of(of, "pairs")
    if x is not y or pairs != (VIEW, BATCH):
        return None
    products = make.call("dot", x, x, over=axes_of(of), pairs=pairs)
    columns = tuple(axis.primed() for axis in pairs)
    return sum_of_kept(op, Affine(products, scale), OTHER_VIEWS, (*pairs, *columns) if op == "mean" else columns, make)


def _rows_less(node: Node, make: Maker) -> Node | None:
    if node.op != "subtract" or not _is_bare(node.inputs[0]):
        return None
    rows, less = node.inputs
    if less is not _views_attracted(rows, "sum", make):
        return None
    kept = {key: rows[key] for key in ("over", "pairs", "dropped")}
    return make.call(ROWS, *rows.inputs, **kept, attracted="views")


def _has_two_views(of: Node) -> bool:
    """Whether the rows of x are those of two views."""
    views = of.inputs[0].type.find(VIEW)
    return views is not None and views.known == 2


def _is_of_two_views(node: Node | None, of: Node) -> bool:
    """Whether a node is the product of the only two views of what is contrasted."""
    x, y = of.inputs[:2]
    if x is not y or not _has_two_views(of) or axes_of(of, "pairs") != (VIEW, BATCH):
        return False
    if node is None or node.op != "dot" or axes_of(node, "pairs") or axes_of(node) != axes_of(of):
        return False
    return node.inputs[0] is not node.inputs[1] and all(c.op == "select" and c.inputs[0] is x for c in node.inputs)


OTHER_VIEWS: Terms = [((False, True), 1), ((True, True), -1)]
"""Rows of the same image, less the row itself."""


# ---------------------------------------------------------------- views with views


def _of_views(node: Node, make: Maker) -> Node | None:
    """Contrasts of views of one value with views of another, of which each is read once."""
    if node.op != "total" or not all(part.op == NAME and not part["ones"] for part in node.inputs):
        return None
    if any(part["attracted"] == "beside" for part in node.inputs):
        return None
    found = [[view_of(operand, make) for operand in part.inputs[:2]] for part in node.inputs]
    (x, _), (y, _) = found[0]
    alike = {
        (part.attributes, part.inputs[2], one, two)
        for part, ((one, _), (two, _)) in zip(node.inputs, found, strict=True)
    }
    if x is None or y is None or len(alike) > 1:
        return None
    kept = {key: node.inputs[0][key] for key in ("over", "pairs", "dropped", "attracted")}
    ones, others = (tuple(pair[side][1] for pair in found) for side in (0, 1))
    return make.call(NAME, x, y, node.inputs[0].inputs[2], **kept, ones=ones, others=others)


def view_of(operand: Node, make: Maker) -> tuple[Node | None, int]:
    """The value that an operand is a view of (None if it is not), and which one; behind a stopped gradient, all of it is."""
    chosen = operand.inputs[0] if operand.op == "stopgrad" else operand
    if chosen.op != "select" or chosen.inputs[0].type.axes[:1] != (VIEW,):
        return None, 0
    (whole,), view = chosen.inputs, chosen["view"]
    assert isinstance(view, int)
    return (whole if chosen is operand else make.call("stopgrad", whole)), view


# ---------------------------------------------------------------- one more product beside the others


def _beside(node: Node, make: Maker) -> Node | None:
    """mean(logaddexp(p, log Σ exp …) - p), p the product of a row with one of its own, as `logaddexp` writes it."""
    if not _is_mean(node) or node.inputs[0].op != "subtract" or node.inputs[0].inputs[0].op != "add":
        return None
    both, own = node.inputs[0].inputs
    rows = _added_to(own, both)
    if rows is None or not _is_bare(rows) or rows["dropped"] != "nothing":
        return None
    x, over, product = rows.inputs[0], axes_of(rows), _scaled(own, rows, make)
    if product is None or product.op != "dot" or axes_of(product, "pairs") or axes_of(product) != over:
        return None
    beside = product.inputs[0] if product.inputs[1] is x else product.inputs[1]
    if x not in product.inputs or beside.type.axes != x.type.axes:
        return None
    return make.call(NAME, *rows.inputs, beside, over=over, pairs=axes_of(rows, "pairs"), attracted="beside")


def _added_to(x: Node, both: Node) -> Node | None:
    """y, where `both` is max(x, y) + softplus(-|x - y|)."""
    largest, rest = both.inputs
    if largest.op != "maximum" or rest.op != "softplus" or x not in largest.inputs:
        return None
    y = largest.inputs[0] if largest.inputs[1] is x else largest.inputs[1]
    minus = rest.inputs[0]
    gap = minus.inputs[0] if minus.op == "negative" else None
    difference = gap.inputs[0] if gap is not None and gap.op == "abs" else None
    fits = difference is not None and difference.op == "subtract" and set(difference.inputs) == {x, y}
    return y if fits else None


CONTRASTS = (
    Row("mean_contrast", "mean log Σⱼ exp sᵢⱼ - mean sᵢᵢ, whose gradient is known with it", _mean),
    Row("rows_less_attraction", "log Σⱼ exp sᵢⱼ less the sum of the sᵢⱼ of other views, row by row", _rows_less),
    Row("less_attraction", "the mean over pairs i, j of sᵢⱼ that contrast holds, taken off in it", _less),
    Row("contrast_beside", "log(exp sᵢ + Σⱼ exp sᵢⱼ) is a log-sum-exp of one more", _beside),
    Row("contrast_of_views", "Σ over pairs of views, whose products are those of both directions", _of_views),
)

"""Codes E3xx: axes and types."""

from __future__ import annotations

from typing import Final

from losslang.diagnostics.codes import Code

__all__ = ["TYPES"]

TYPES: Final[dict[str, Code]] = {
    "E301": Code(
        "sizes differ",
        "Two values are combined along an axis on which they have different sizes. Both places, "
        "and the networks the sizes come from, "
        "are shown.",
        "alignment(p[a], stopgrad(z[b]))   # p has 512 features, z has 256",
        "predictor: mlp(512, 256)",
    ),
    "E302": Code(
        "no such axis",
        "An operation works over an axis that its value does not have. Axes that a reduction removes are gone afterwards.",
        "mean(norm(z, over=feature), over=feature)",
        "mean(norm(z, over=feature), over=batch)",
    ),
    "E303": Code(
        "outer product by accident",
        "One value has an axis, the other its primed copy, and none has both: matching them would "
        "pair everything with everything.",
        "mean(s, over=batch') + mean(s, over=batch)",
        "dot(u, v, pairs=batch)",
    ),
    "E304": Code(
        "mask or number",
        "`and`, `or`, `not` and `where=` take masks, which comparisons and same(axis) make.",
        "mean(z, where=z)",
        "mean(z, where=z > 0)",
    ),
    "E305": Code(
        "summed and paired",
        "`dot` sums over an axis or keeps its copies apart, not both.",
        "dot(z, z, over=batch, pairs=batch)",
        "dot(z, z, over=feature, pairs=batch)",
    ),
    "E306": Code(
        "not a matrix",
        "Matrix functions work on a pair of axes [a, a'], which cov, second_moment, similarity and dot(…, pairs=) make.",
        "logdet(z)",
        "logdet(same(feature) + second_moment(z))",
    ),
    "E307": Code(
        "count out of range",
        "The number of entries asked for is not available.",
        "first(z, 500, over=feature)   # z has 128 features",
        "first(z, 64, over=feature)",
    ),
    "E308": Code(
        "no knots",
        "`integrate` is the trapezoid rule over the knots of `linspace`.",
        "integrate(z, over=feature)",
        "integrate(exp(-linspace(0, 3, 17)^2), over=knot)",
    ),
    "E309": Code(
        "term is not one number",
        "The loss is a sum of numbers. Reduce the remaining axes with mean or sum, or loop over the views.",
        "align: variance_hinge(z)      # one number per view",
        "align: mean(variance_hinge(z))",
    ),
    "E310": Code(
        "not a value",
        "A list or a quoted text stands where a value is computed.",
        "mean([z, p])",
        "mean(f(v) for v in views)",
    ),
    "E311": Code(
        "views or axis as a value",
        "Names of views stand in brackets and loops, names of axes in over=, pairs= and size(z, …).",
        "mean(batch)",
        "mean(z, over=batch)",
    ),
    "E312": Code(
        "function as a value",
        "Networks and functions are applied to values; alone they are not one.",
        "alignment(predictor, z)",
        "alignment(predictor(z), z)",
    ),
    "E313": Code(
        "images as vectors",
        "The images x go through a network first; operations work on embeddings.",
        "mean(x)",
        "mean(encoder(x))",
    ),
    "E314": Code(
        "not an axis",
        "An option that names axes is given something else.",
        "mean(z, over=1)",
        "mean(z, over=batch)",
    ),
    "E315": Code(
        "unknown axis",
        "Axes are named view, batch, feature, prototype, and those that operations introduce "
        "(queue, knot, direction, rank, group).",
        "mean(z, over=batches)",
        "mean(z, over=batch)",
    ),
    "E316": Code(
        "loop in the wrong call",
        "Loops stand in mean, sum, max and logsumexp, which reduce all their items at once.",
        "norm(z[v] for v in views)",
        "mean(norm(z[v]) for v in views)",
    ),
    "E317": Code(
        "empty loop",
        "After its condition the loop has no items left, so it has no value.",
        "mean(f(u) for u in views if u != u)",
        "mean(f(u) for u in views if u != a)",
    ),
    "E318": Code(
        "loop name taken",
        "A loop introduces a new name; one that is in use would hide it.",
        "mean(z[z] for z in views)",
        "mean(z[v] for v in views)",
    ),
    "E319": Code(
        "no views to choose from",
        "A value in brackets must have the axis view; it may have been chosen or reduced before.",
        "z[a][b]",
        "z[a]",
    ),
    "E320": Code(
        "view not among its views",
        "The value was computed for some views only (as target(x[global])), and another is asked for.",
        "target(x[global])[local]",
        "target(x)[local]",
    ),
    "E321": Code(
        "local inside local",
        "Groups of groups have no meaning here.",
        "local(local(e, rows=8), rows=64)",
        "local(e, rows=8)",
    ),
    "E322": Code(
        "images and vectors",
        "A backbone takes images, every other network takes vectors.",
        "projector(x)",
        "projector(encoder(x))",
    ),
    "E323": Code(
        "one network, two sizes",
        "A network has one input size; a name used twice shares its weights.",
        "predictor(z) and predictor(h), of different sizes",
        "two networks under two names",
    ),
    "E324": Code(
        "argument lacks an axis",
        "The definition declares the axes of its parameter, as in z: [batch, feature]; further axes are mapped over.",
        "variance_hinge(mean(z, over=batch))",
        "variance_hinge(z)",
    ),
    "E325": Code(
        "size of a computed value",
        "compile_loss takes sizes= for the tensors that enter the loss: outputs of networks. Other sizes follow from them.",
        "compile_loss(spec, sizes={'c': 64})   # c: cov(z, ddof=1)",
        "compile_loss(spec, sizes={'z': 64})",
    ),
    "E326": Code(
        "same without a size",
        "same(axis) takes its size from the value it is combined with; alone it has none.",
        "trace(same(feature))",
        "trace(same(feature) + second_moment(z[a]))",
    ),
    "E327": Code(
        "one number is needed",
        "A momentum, and the epsilon of sinkhorn, are the same for every entry: they have no axes.",
        "q: sinkhorn(scores, epsilon=scores, iterations=3)",
        "q: sinkhorn(scores, epsilon=0.05, iterations=3)",
    ),
    "E328": Code(
        "number out of range",
        "Temperatures, the distortion of a coding rate and the epsilon of sinkhorn divide: at 0 they have no value, and below "
        "it near rows count as far ones. An eps and a floor keep a root or a quotient from 0, so they are not negative.",
        "info_nce(z[a], z[b], -0.1)",
        "info_nce(z[a], z[b], 0.1)",
    ),
    "E329": Code(
        "axis named twice",
        "Every axis is reduced once. The two axes of a matrix of pairs differ by a prime.",
        "mean(z, over=[batch, batch])",
        "mean(z, over=batch)",
    ),
}

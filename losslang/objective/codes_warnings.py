"""Codes W1xx: what is allowed and seldom meant."""

from __future__ import annotations

from typing import Final

from losslang.diagnostics.codes import Code

__all__ = ["WARNINGS"]

WARNINGS: Final[dict[str, Code]] = {
    "W101": Code("unused network", "The network is never applied, so it is built for nothing.", "", ""),
    "W102": Code("unused definition", "No term depends on the definition, or calls the function.", "", ""),
    "W103": Code("unused parameter", "Changing the parameter changes nothing.", "", ""),
    "W104": Code(
        "term without gradient",
        "Every path from the term to a trained network is cut by stopgrad, a target, an assignment or a running statistic.",
        "align: alignment(stopgrad(p[a]), stopgrad(z[b]))",
        "align: alignment(p[a], stopgrad(z[b]))",
    ),
    "W105": Code("weight zero", "The term is computed and then multiplied by 0.", "", ""),
    "W106": Code(
        "target of untrained networks",
        "The moving average follows networks that no term trains, so it never moves.",
        "",
        "",
    ),
    "W107": Code(
        "variance hinge on unit vectors",
        "The features of unit vectors in d dimensions have a deviation of at most d^-½; a hinge at "
        "1 only pushes along the sphere.",
        "variance_hinge(normalize(z))",
        "variance_hinge(z)",
    ),
    "W108": Code(
        "gradient through a long memory",
        "With read=after the current batch enters with weight 1 - momentum, and so does its gradient.",
        "running(…, momentum=0.999, read=after)",
        "running(…, momentum=0.9, read=after)",
    ),
    "W109": Code(
        "network that never learns",
        "Every use of the network is behind a stop-gradient, so it stays as it began. A predictor must learn to hold an "
        "objective up: with the stop-gradient on its side (Mirror SimSiam, Zhang et al. 2022) the objective collapses.",
        "align: alignment(stopgrad(p[a]), z[b])   # p: predictor(z)",
        "align: alignment(p[a], stopgrad(z[b]))",
    ),
    "W110": Code(
        "predictor on both sides",
        "Both branches pass the same networks, the predictor among them. Then the stopped branch differs from the live one "
        "by nothing, the extra gradient that a predictor adds is zero, and the objective collapses (Zhang et al. 2022). "
        "Networks behind one another and a comparison of equals are no mistake where another term repels.",
        "align: alignment(p[a], stopgrad(p[b]))   # p: predictor(z)",
        "align: alignment(p[a], stopgrad(z[b]))",
    ),
    "W111": Code(
        "local statistics",
        "Means, covariances and similarities inside `local` see groups of rows, as methods do that leave their statistics to "
        "each device. The groups are the same on any number of processes, but the objective is another one than on the whole "
        "batch: a covariance of fewer rows than features has no full rank, and fewer negatives repel less.",
        "local(coding_rate(z[a]), rows=64)",
        "coding_rate(z[a])   # or, where it is meant: # losslang: allow(W111)",
    ),
}

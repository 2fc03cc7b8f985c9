"""Codes E4xx: constants, limits and state."""

from __future__ import annotations

from typing import Final

from losslang.diagnostics.codes import Code

__all__ = ["STATE"]

STATE: Final[dict[str, Code]] = {
    "E401": Code(
        "statistic per image",
        "A running statistic has no batch axis: the images differ from step to step.",
        "running(z, momentum=0.9, read=before)",
        "running(mean(z, over=batch), momentum=0.9, read=before)",
    ),
    "E402": Code(
        "not a constant",
        "Parameters are numbers, or computed from numbers, earlier parameters and schedules.",
        "parameters: {t: mean(z)}",
        "parameters: {t: 0.1}",
    ),
    "E403": Code(
        "not a finite number",
        "The constant divides by zero or is too large.",
        "parameters: {t: 1 / 0}",
        "parameters: {t: 1 / 2}",
    ),
    "E404": Code(
        "wrong schedule",
        "Schedules are cosine(a, b), linear(a, b) and step(a, b, epochs=E), with epochs= or steps=, warmup= and every=epoch.",
        "cosine(1)",
        "cosine(0.996, 1)",
    ),
    "E405": Code(
        "a constant number is needed",
        "The option is part of the operation itself, so it cannot depend on the batch or on the step.",
        "cov(z, ddof=mean(z))",
        "cov(z, ddof=1)",
    ),
    "E407": Code(
        "too large",
        "Loops over views and calls of definitions are written out; beyond 10,000 expressions, 3,000 operations, "
        "10,000 pairs of views, or nesting too deep to follow, the method is refused.",
        "views: {crop: 1000} with a loop over all pairs",
        "compare every view with the mean of all",
    ),
    "E408": Code(
        "state inside an expression",
        "State (running, queue, memory, centroids) needs a name of its own, for its place in state_dict.",
        "q: softmax(t - running(mean(t, over=batch), momentum=0.9, read=before))",
        "center: running(mean(t, over=batch), momentum=0.9, read=before)",
    ),
    "E409": Code(
        "schedule inside an expression",
        "Give the schedule a name under `parameters`, so that it can be overridden and logged.",
        "align: linear(0, 1) * alignment(z[a], z[b])",
        "parameters: {weight: 'linear(0, 1)'}",
    ),
    "E410": Code(
        "input without a name",
        "compile_loss calls its inputs by the names of their definitions, so every network output that the loss uses needs one.",
        "define: {q: normalize(projector(encoder(x)))}",
        "define: {h: projector(encoder(x)), q: normalize(h)}",
    ),
    "E411": Code(
        "size of a state not known",
        "State has a fixed shape, and an axis of it follows from the backbone or from the caller's tensors.",
        "losslang.compile_loss('method.yaml')",
        "losslang.compile_loss('method.yaml', sizes={'z': 128})",
    ),
    "E413": Code(
        "centroids of something else than a memory",
        "Centroids are found once an epoch, over the values of all images; only a memory holds those.",
        "centroids(z[a], count=3000)",
        "define: {stored: memory(z), c: 'centroids(stored[a], count=3000)'}",
    ),
}

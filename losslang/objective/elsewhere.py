"""What operations are called in other libraries, and how the language writes them: help for a name that is not known."""

from __future__ import annotations

from losslang.objective.axes import AXIS_NAMES
from losslang.syntax.names import nearest

__all__ = ["ELSEWHERE", "axis_help", "is_backbone"]

_COSINE = "dot(normalize(x), normalize(y))"

ELSEWHERE = {
    "stop_gradient": "stopgrad(z)",
    "sg": "stopgrad(z)",
    "detach": "stopgrad(z)",
    "no_grad": "stopgrad(z)",
    "cosine_similarity": _COSINE,
    "cos_sim": _COSINE,
    "matmul": "dot(x, y, over=feature)",
    "mm": "dot(x, y, over=feature)",
    "bmm": "dot(x, y, over=feature)",
    "einsum": "dot(x, y, over=feature)",
    "l2_normalize": "normalize(z)",
    "mse": "mse_alignment(p, z)",
    "mse_loss": "mse_alignment(p, z)",
    "slogdet": "logdet(m)",
    "eigvalsh": "eigenvalues(m)",
    "eigvals": "eigenvalues(m)",
    "clamp": "maximum(x, 0)",
    "square": "x^2",
    "pow": "x^2",
}
"""From a name to an expression of the language; names that `nearest` finds need no row."""

_AXES = dict.fromkeys(("channel", "dim", "dimension", "hidden"), "feature") | dict.fromkeys(
    ("sample", "image", "row", "n"), "batch"
)

_NO_AXES = {"patch", "token", "pixel", "position", "height", "width"}
"""Axes of images and of token sequences, which an embedding has not: each view of an image is one vector."""

_BACKBONES = ("resnet", "vit", "wide_resnet", "resnext", "convnext", "densenet", "efficientnet", "swin", "vgg", "timm")


def axis_help(name: str) -> str:
    """What is said of the name of an axis that there is not."""
    known = f"the axes are {', '.join(sorted(AXIS_NAMES))}"
    if name.removesuffix("s").removesuffix("e") in _NO_AXES:
        return f"an embedding is one vector for each view of an image; {known}"
    close = _AXES.get(name.removesuffix("s")) or nearest(name, AXIS_NAMES)
    return f"did you mean `{close}`?" if close else known


def is_backbone(name: str) -> bool:
    """Whether a name is one by which libraries call networks for images."""
    return name.lower().startswith(_BACKBONES)

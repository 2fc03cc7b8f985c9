"""What goes into emitted modules and comes out: views, networks on views and rows, and the loss. Each needs torch alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

__all__ = ["Output"]


class Output(NamedTuple):
    """The loss, its terms by name (they sum to the total), and weighted terms before their leading weight."""

    total: Tensor
    terms: dict[str, Tensor]
    raw: dict[str, Tensor]


def as_views(value: Tensor | Mapping[str, Tensor] | Sequence[Tensor], views: Sequence[str]) -> Tensor:
    """[view, batch, …] from one tensor in view order, a list in view order, or tensors by view name."""
    if isinstance(value, Mapping):
        odd = [f"the view `{view}` is missing" for view in views if view not in value]
        odd += [f"there is no view `{view}`" for view in value if view not in views]
        if odd:
            raise ValueError(f"{odd[0]}; needed are {', '.join(views)}")
        value = [value[view] for view in views]
    if not isinstance(value, Sequence | Tensor):
        raise TypeError(
            f"views are tensors, and here is {type(value).__name__}; torch.from_numpy makes one of an array"
        )
    count = value.shape[:1].numel() if isinstance(value, Tensor) else len(value)
    if count != len(views):
        raise ValueError(f"{len(views)} views are needed ({', '.join(views)}), and here are {count}")
    if isinstance(value, Tensor):
        return value
    other = next((kind.__name__ for kind in map(type, value) if not issubclass(kind, Tensor)), None)
    if other:
        raise TypeError(f"views are tensors, and here is {other}; torch.from_numpy makes one of an array")
    if any(rows.shape != value[0].shape for rows in value):
        found = ", ".join(f"{view} is {list(rows.shape)}" for view, rows in zip(views, value, strict=False))
        raise ValueError(f"views have one shape, and here {found}")
    return torch.stack(list(value))


def checked_input(x: Tensor, name: str, axes: Sequence[str], sizes: Sequence[int | None]) -> Tensor:
    """The input itself, if it has the axes and sizes the method was compiled for."""
    fits = x.dim() == len(sizes) and all(s is None or s == n for s, n in zip(sizes, x.shape, strict=True))
    if not fits:
        wanted = ", ".join(a if s is None else f"{a}={s}" for a, s in zip(axes, sizes, strict=True))
        raise ValueError(f"`{name}` must be [{wanted}], and has the shape {list(x.shape)}; compile_loss takes sizes=")
    if not x.is_floating_point():
        raise TypeError(f"`{name}` holds {x.dtype}, and embeddings are real numbers: take {name}.float()")
    return x


def check_batches(**rows: int) -> None:
    """All inputs hold the same number of rows."""
    first = next(iter(rows.values()))
    if any(count != first for count in rows.values()):
        found = ", ".join(f"{name} has {count}" for name, count in rows.items())
        raise ValueError(f"the inputs hold batches of different size: {found}")


def widened_input(x: Tensor) -> Tensor:
    """Half precision as float32: statistics, softmax and log-det need its range."""
    return x.float() if x.dtype in (torch.float16, torch.bfloat16) else x


def kept_wide(convert: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    """A conversion of tensors (to a device, to a type) that leaves out the step to half precision."""

    def wide(x: Tensor) -> Tensor:
        converted = convert(x)
        return x.to(converted.device) if converted.dtype in (torch.float16, torch.bfloat16) else converted

    return wide


def separately(network: nn.Module, x: Tensor | Sequence[Tensor]) -> Tensor:
    """Every view as its own batch."""
    return torch.stack([network(view) for view in x])


def jointly(network: nn.Module, x: Tensor | Sequence[Tensor]) -> Tensor:
    """All views of equal size as one batch."""
    views = list(x)
    outputs: list[Tensor | None] = [None] * len(views)
    for shape in dict.fromkeys(view.shape for view in views):
        places = [i for i, view in enumerate(views) if view.shape == shape]
        together = network(torch.cat([views[i] for i in places]))
        for i, output in zip(places, together.chunk(len(places)), strict=True):
            outputs[i] = output
    return torch.stack([output for output in outputs if output is not None])


def checked_features(x: Tensor, name: str, size: int, axes: int) -> Tensor:
    """The output of a backbone, if it has one vector of the size that was said for every image."""
    if x.dim() != axes or x.shape[-1] != size:
        found = list(x.shape[axes - 2 :])
        raise ValueError(f"the backbone `{name}` gives {found}, not [batch, feature={size}]; feature_size= is its size")
    return x


def on_rows(network: nn.Module, x: Tensor) -> Tensor:
    """Every row by itself, whatever axes stand before the last."""
    return network(x.flatten(0, -2)).unflatten(0, x.shape[:-1])

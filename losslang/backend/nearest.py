"""Torch forms of choices by the largest similarity. Each needs torch alone."""

from __future__ import annotations

import torch
from torch import Tensor

from losslang.backend.similarities import crossed, rows_in_parts

__all__: list[str] = []


def nearest_rows(
    query: Tensor, keys: Tensor, chosen: Tensor, scale: float | Tensor, diagonal: float | Tensor
) -> Tensor:
    """[..., rows, m]: of chosen [..., columns, m] the row whose key [..., columns, k] has the largest scale · query · key.

    `diagonal` is added to the product of a row with the key at its own place. First among equals; query [..., rows, k] and
    keys get no gradient, and their products are never held all at once.
    """
    if keys.dim() == 2:
        places = nearest_places(query.flatten(0, -2), keys, scale, diagonal)
        return chosen.index_select(0, places).unflatten(0, query.shape[:-1])
    columns = keys.shape[-2]
    both = zip(query.flatten(0, -3), keys.flatten(0, -3), strict=True)
    places = torch.cat([nearest_places(q, k, scale, diagonal) + n * columns for n, (q, k) in enumerate(both)])
    return chosen.flatten(0, -2).index_select(0, places).unflatten(0, query.shape[:-1])


@torch.no_grad()
def nearest_places(query: Tensor, keys: Tensor, scale: float | Tensor, diagonal: float | Tensor) -> Tensor:
    """[rows]: the place of the key with the largest product."""
    parts = rows_in_parts(query, len(keys))
    return torch.cat([nearest_of_rows(here, keys, scale, diagonal, start) for start, here in parts])


def nearest_of_rows(query: Tensor, keys: Tensor, scale: float | Tensor, diagonal: float | Tensor, start: int) -> Tensor:
    """The same for rows of which the first is at `start`."""
    products = (query @ keys.mT).mul_(scale)
    for entries in crossed(products, start, (0,)):
        entries.add_(diagonal)
    return places_of_largest(products)


def places_of_largest(x: Tensor) -> Tensor:
    """[rows]: the first of the largest entries; of many, in the first of the stretches of 64 with the largest maximum."""
    stretch, columns = 64, x.shape[1]
    if columns % stretch or columns < 8 * stretch:
        return x.argmax(-1)
    parts = x.unflatten(1, (-1, stretch))
    part = parts.amax(-1).argmax(-1)
    return part * stretch + parts.take_along_dim(part[:, None, None], 1).squeeze(1).argmax(-1)


def chosen_rows(scores: Tensor, y: Tensor, dim: int) -> Tensor:
    """The rows of y [..., rows, k] where the scores are largest along `dim`, first among equals."""
    best = scores.argmax(dim)
    return y[best] if y.dim() == 2 else y.take_along_dim(best.unsqueeze(-1), -2)

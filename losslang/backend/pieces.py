"""Micro-batches that are exact: the networks see some rows at a time, the loss sees the whole batch.

The gradient cache of Gao et al. 2021 (Scaling Deep Contrastive Learning Batch Size under Memory Limited Setup), for any
objective: embeddings without graph, the loss of all of them and its gradient, then the networks again, piece by piece, with
that gradient. It costs a second forward pass, and the memory of one piece. The result is that of the undivided step where no
network has statistics of the batch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor

from losslang.backend.interface import Output
from losslang.backend.model import Model
from losslang.networks.statistics import has_batch_statistics

__all__ = ["backward_in_pieces", "statistical_networks"]

Context = Callable[[], AbstractContextManager[Any]]


def statistical_networks(model: Model) -> list[str]:
    """The networks whose output for a row depends on other rows (batch norm): pieces are not exact with them."""
    return [name for name, network in model.networks.items() if has_batch_statistics(network)]


def backward_in_pieces(
    model: Model,
    views: Mapping[str, Tensor] | Sequence[Tensor],
    *rows: Tensor,
    size: int,
    places: Tensor | None = None,
    forward: Context = nullcontext,
) -> Output:
    """The loss of a batch, and its gradients added to the parameters'; networks see `size` rows at a time.

    Arguments are those of a call of the model; `forward` is the context of its forward passes (autocast).
    """
    if model.training and model.loss.pending:
        model.after_step()
    inputs: dict[str, tuple[str, ...]] = model.loss.inputs  # type: ignore[assignment]
    pieces = list(_pieces(views, size))
    draws = []
    found: list[dict[str, Tensor]] = []
    with torch.no_grad(), forward():
        for piece in pieces:
            draws.append(_random_state())
            embedded = model.embed(piece)
            found.append({name: embedded[name] for name in inputs})
    leaves = {
        name: torch.cat([each[name] for each in found], axes.index("batch")).requires_grad_()
        for name, axes in inputs.items()
    }
    with forward():
        out: Output = model.loss(*leaves.values(), *rows, places=places)
    out.total.backward()
    _networks_again(model, pieces, draws, leaves, size, forward)
    return Output(out.total.detach(), _detached(out.terms), _detached(out.raw))


def _networks_again(
    model: Model,
    pieces: Sequence[Sequence[Tensor]],
    draws: Sequence[list[Tensor]],
    leaves: Mapping[str, Tensor],
    size: int,
    forward: Context,
) -> None:
    """The second pass: the same numbers, this time with a graph; running statistics have moved already."""
    inputs: dict[str, tuple[str, ...]] = model.loss.inputs  # type: ignore[assignment]
    kept = [(buffer, buffer.clone()) for buffer in model.networks.buffers()]
    for at, (piece, draw) in enumerate(zip(pieces, draws, strict=True)):
        _set_random_state(draw)
        with forward():
            embedded = model.embed(piece)
        pairs = [
            (embedded[name], leaf.grad.narrow(axis, at * size, embedded[name].shape[axis]))
            for name, leaf in leaves.items()
            if leaf.grad is not None and embedded[name].requires_grad
            for axis in [inputs[name].index("batch")]
        ]
        if pairs:
            torch.autograd.backward([value for value, _ in pairs], [gradient for _, gradient in pairs])
    with torch.no_grad():
        for buffer, value in kept:
            buffer.copy_(value)


def _pieces(views: Mapping[str, Tensor] | Sequence[Tensor], size: int) -> Iterator[Any]:
    """The batch in pieces of so many rows, as the model takes them."""
    if isinstance(views, Mapping):
        for part in zip(*(view.split(size) for view in views.values()), strict=True):
            yield dict(zip(views, part, strict=True))
    else:
        yield from (list(part) for part in zip(*(view.split(size) for view in views), strict=True))


def _detached(values: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: value.detach() for name, value in values.items()}


def _random_state() -> list[Tensor]:
    """What dropout and its kin draw from: the second pass draws the same."""
    return [torch.get_rng_state(), *(torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else [])]


def _set_random_state(state: Sequence[Tensor]) -> None:
    torch.set_rng_state(state[0])
    if len(state) > 1:
        torch.cuda.set_rng_state_all(list(state[1:]))

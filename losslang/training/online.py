"""The online probe: a linear classifier on the backbone's features, trained beside the method and outside of its gradient."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch import distributed as dist
from torch.nn import functional as F

from losslang.diagnostics import LosslangError
from losslang.networks.processes import many_processes
from losslang.networks.statistics import with_statistics_of_all
from losslang.training.crew import average_gradients, crew
from losslang.training.plan import RunPlan

__all__ = ["ONLINE", "PROBE_EXCHANGES", "OnlineProbe", "wants_probe"]

_RATE, _MOMENTUM = 0.1, 0.9

ONLINE = (
    "linear classifier on features as training sees them (augmented, of the first view's size), batch norm without scale and"
    f" shift before it; SGD beside the method's optimiser, learning rate {_RATE} falling as a half cosine to 0, momentum"
    f" {_MOMENTUM}, no weight decay; no gradient reaches the method. Held-out accuracy is on clean images"
)
"""How it is trained. It stands in the result of every run that has one."""


PROBE_EXCHANGES = {False: 1, True: 3}
"""How often processes exchange what it needs in a step: its gradient, and statistics of the batch where those are of all."""


def wants_probe(plan: RunPlan) -> bool:
    """Whether a run has an online probe. Raises LosslangError where it asks for one that it cannot have."""
    asked, recipe = plan.recipe.evaluation.online, plan.recipe
    labelled = plan.dataset.classes > 1
    if asked == "auto":
        return plan.dataset.kind == "photos" and labelled and recipe.microbatch is None
    if asked == "always" and not labelled:
        raise LosslangError(f"evaluation.online: {plan.dataset.name} has no classes that a probe could tell apart")
    if asked == "always" and recipe.microbatch is not None:
        raise LosslangError("evaluation.online: the networks see micro-batches twice; a probe needs whole batches")
    return asked == "always"


class OnlineProbe:
    """Hears what a backbone gives in training, and learns to classify it. It draws no random numbers.

    `features` and `classes` are the sizes of its input and output; `shape` is that of the images [channel, row, column]
    whose features it takes: smaller crops are left aside.
    """

    def __init__(
        self, encoder: nn.Module, features: int, classes: int, shape: Sequence[int], like: Tensor, *, of_all: bool
    ) -> None:
        norm = nn.BatchNorm1d(features, affine=False)
        linear = nn.Linear(features, classes, device="meta").to_empty(device="cpu")  # no draw from the global seed
        self.classifier = nn.Sequential(norm, linear).to(like)
        nn.init.zeros_(linear.weight)
        nn.init.zeros_(linear.bias)
        if of_all and crew().size > 1:
            with_statistics_of_all(self.classifier)
        self.optimizer = torch.optim.SGD(self.classifier.parameters(), lr=_RATE, momentum=_MOMENTUM)
        self._right, self._seen = (torch.zeros((), dtype=torch.int64, device=like.device) for _ in range(2))
        self._shape, self._like = torch.Size(shape), like
        self._heard: list[Tensor] = []
        encoder.register_forward_hook(self._hear)

    def _hear(self, encoder: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        if encoder.training and inputs[0].shape[1:] == self._shape:
            self._heard.append(output.detach())

    def listen(self) -> None:
        """Forget what was heard before a step."""
        self._heard.clear()

    def learn(self, labels: Tensor, share: float) -> None:
        """A step on what was heard of images with these classes [batch], after a share of all steps of the run."""
        features = torch.cat(self._heard).to(self._like)
        self._heard.clear()
        labels = labels.repeat(len(features) // len(labels))  # one view after the other
        scores = self.classifier(features)
        F.cross_entropy(scores, labels).backward()
        average_gradients(self.classifier)
        for group in self.optimizer.param_groups:
            group["lr"] = _RATE * (1 + math.cos(math.pi * share)) / 2
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self._right += (scores.detach().argmax(1) == labels).sum()
        self._seen += len(labels)

    def gather(self) -> None:
        """Before a checkpoint, which the leader writes: it takes the counts of all. All processes ask together."""
        if many_processes():
            counts = torch.stack([self._right, self._seen])
            dist.all_reduce(counts)
            self._count(counts)

    def _count(self, counts: Tensor) -> None:
        """Go on from counts of all processes, which the leader has for them."""
        right, seen = counts if crew().leads else torch.zeros_like(counts)
        self._right.copy_(right)
        self._seen.copy_(seen)

    def reading(self) -> dict[str, float]:
        """Its accuracy in training since the last reading; nothing where there was no step. All processes ask together."""
        self.gather()
        right, seen = torch.stack([self._right, self._seen]).tolist()
        self._right.zero_()
        self._seen.zero_()
        return {"online_train": right / seen} if seen else {}

    @torch.no_grad()
    def predict(self, features: Tensor) -> Tensor:
        """Classes [sample] of features [sample, feature] of clean images."""
        self.classifier.eval()
        found: Tensor = self.classifier(features.to(self._like)).argmax(1)
        self.classifier.train()
        return found

    def state(self) -> dict[str, Any]:
        """What a checkpoint keeps."""
        return {
            "classifier": self.classifier.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "counts": torch.stack([self._right, self._seen]),
        }

    def take(self, state: Mapping[str, Any]) -> None:
        """Go on from a checkpoint. Raises KeyError, RuntimeError, ValueError where it is that of another."""
        self.classifier.load_state_dict(state["classifier"])
        self.optimizer.load_state_dict(state["optimizer"])
        self._count(state["counts"])

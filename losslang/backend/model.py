"""The compiled method: networks, loss, and what happens after an optimiser step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from losslang.algebra.estimates import EXACT, Estimate
from losslang.backend.emit import has_memory
from losslang.backend.front import embeddings
from losslang.backend.interface import Output
from losslang.diagnostics import LosslangError
from losslang.networks.targets import FreezeFor
from losslang.objective.graph import Node
from losslang.objective.networks import Network
from losslang.objective.schedules import Clock, Plan, Schedule
from losslang.objective.spec import Spec

__all__ = ["Model", "embedding_name"]


def _check_views(spec: Spec, views: Mapping[str, Tensor] | Sequence[Tensor]) -> None:
    """Raises LosslangError where views are missing (others, by name, are left aside) or hold different numbers of images."""
    missing = [name for name in spec.views if name not in views] if isinstance(views, Mapping) else []
    if missing:
        given = ", ".join(map(str, views)) or "nothing"
        raise LosslangError(
            f"`{spec.method_name}` takes the views {', '.join(spec.views)}, each by its own name; "
            f"{', '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing among {given}"
        )
    if not isinstance(views, Mapping) and len(views) != len(spec.views):
        raise LosslangError(
            f"`{spec.method_name}` takes {len(spec.views)} views ({', '.join(spec.views)}), not {len(views)}"
        )
    images = {n: len(views[n] if isinstance(views, Mapping) else views[i]) for i, n in enumerate(spec.views)}
    if len(set(images.values())) > 1:
        found = ", ".join(f"{name} has {count}" for name, count in images.items())
        raise LosslangError(f"every view holds the same images, and here {found}")


class Model(nn.Module):
    """A method with its networks. Call it with views of images; call `after_step` after every optimiser step.

    If `after_step` is not called, the next training step does what it would have done.
    """

    def __init__(
        self,
        spec: Spec,
        front: nn.Module,
        networks: Mapping[str, nn.Module],
        source: str,
        clock: Clock,
        estimate: Estimate = EXACT,
    ) -> None:
        super().__init__()
        self.front = front
        self.spec, self.source, self.clock, self.estimate = spec, source, clock, estimate
        self._all = dict(networks)
        self._targets = {n: spec.networks[n] for n in networks if spec.networks[n].kind == "ema"}
        self._plans = {n: _plan(network, clock) for n, network in self._targets.items()}
        self._sources = {n: _module(network.parts[0], self._all) for n, network in self._targets.items()}
        self._frozen = [m for m in self.modules() if isinstance(m, FreezeFor) and not m.forever]
        self._steps = 0
        self.register_load_state_dict_post_hook(_read_steps)

    @property
    def networks(self) -> nn.ModuleDict:
        """The networks by name."""
        return self.front.networks  # type: ignore[return-value]

    def network(self, name: str) -> nn.Module | None:
        """A network of the method, in front of the loss or inside it; None for one that nothing applies."""
        return self.networks[name] if name in self.networks else getattr(self.loss, name, None)

    @property
    def loss(self) -> nn.Module:
        """The objective alone."""
        return self.front.loss  # type: ignore[return-value]

    @property
    def encoder(self) -> nn.Module:
        """The backbone."""
        name = next(n for n, network in self.spec.networks.items() if network.kind == "backbone")
        return self._all[name]

    @property
    def takes_rows(self) -> bool:
        """Whether the method keeps values by image, and so takes the numbers of the batch's images."""
        return has_memory(self.spec)

    def forward(
        self, views: Mapping[str, Tensor] | Sequence[Tensor], *rows: Tensor, places: Tensor | None = None
    ) -> Output:
        """The loss of a batch: images [batch, …] by view name, or in view order; `rows` [batch] where `takes_rows`.

        Where several processes share the batch, each gives its own rows; `places` [batch] says where in the batch they
        stand (by default those of process 0 come first, and so on), as far as a method depends on the order of rows.
        """
        _check_views(self.spec, views)
        if self.training and self.loss.pending:
            self.after_step()
        return self.front(views, *rows, places=places)

    def observe(
        self, views: Mapping[str, Tensor] | Sequence[Tensor], *rows: Tensor
    ) -> tuple[dict[str, Tensor], Output]:
        """As a call, and beside the loss what the networks gave: the definitions that `embed` gives, in the loss's graph."""
        if self.training and self.loss.pending:
            self.after_step()
        found = self.embed(views)
        return found, self.loss(*(found[name] for name in self.loss.inputs), *rows)  # type: ignore[union-attr]

    def embed(self, views: Mapping[str, Tensor] | Sequence[Tensor]) -> dict[str, Tensor]:
        """Every definition that networks alone make: [view, batch, feature], or [batch, feature] of one view."""
        _check_views(self.spec, views)
        return self.front.embed(views)  # type: ignore[operator]

    @torch.no_grad()
    def after_step(self) -> None:
        """Targets follow, state and schedules move on: once for every training step, and not without one."""
        if not self.loss.pending:
            return
        for name in self._plans:
            self._all[name].update(self._sources[name], self.momentum(name))  # type: ignore[operator]
        self.move_on()

    @property
    def targets(self) -> dict[str, tuple[list[nn.Parameter], list[nn.Parameter]]]:
        """The parameters of every moving average, and those that they follow, by the name of the network."""
        return {
            name: (list(self._all[name].parameters()), list(source.parameters()))
            for name, source in self._sources.items()
        }

    def momentum(self, name: str) -> float:
        """How much a moving average keeps of itself at the present step."""
        plan = self._plans[name]
        return plan if isinstance(plan, float) else plan.value(self._steps)

    @torch.no_grad()
    def move_on(self) -> None:
        """What `after_step` does when targets have followed: state, schedules, and networks that begin to train."""
        for module in self._frozen:
            if self._steps + 1 >= module.steps(self.clock.steps_per_epoch):
                module.thaw()
        self.loss.after_step()  # type: ignore[operator]
        self._steps += 1


def _read_steps(model: Model, _keys: object) -> None:
    model._steps = int(model.loss.step)  # type: ignore[arg-type]  # noqa: SLF001


def _plan(network: Network, clock: Clock) -> float | Plan:
    momentum = network.momentum
    return momentum.plan(clock) if isinstance(momentum, Schedule) else float(momentum or 0.0)


def _module(network: Network, networks: Mapping[str, nn.Module]) -> nn.Module:
    """The module that a description stands for, made of networks that exist already."""
    if network.kind == "reference":
        return networks[network.name]
    if network.kind == "chain":
        return nn.Sequential(*(_module(part, networks) for part in network.parts))
    raise ValueError(f"a target follows networks by name, and `{network.kind}` is a constructor")


def embedding_name(spec: Spec) -> str:
    """The definition that diagnostics look at: `z`, else the first output of networks that train."""
    found: dict[str, Node] = embeddings(spec)
    if "z" in found:
        return "z"
    trained = [name for name, node in found.items() if node.trains]
    return trained[0] if trained else next(iter(found), "")

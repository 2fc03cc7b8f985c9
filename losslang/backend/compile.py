"""From a method to an nn.Module: `compile` with its networks, `compile_loss` for anyone's training loop."""

from __future__ import annotations

import builtins
import copyreg
import hashlib
import linecache
import re
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

from torch import nn

from losslang.algebra.estimates import Estimate, estimate_of
from losslang.algebra.optimise import NOT_PLAIN
from losslang.backend.emit import class_name, emit, loss_networks
from losslang.backend.interface import Output
from losslang.backend.model import Model
from losslang.diagnostics import LosslangError
from losslang.objective.boundary import find_inputs
from losslang.objective.overrides import Settings, read_count, read_overrides
from losslang.objective.schedules import Clock, CountMissing
from losslang.objective.spec import Spec
from losslang.pipeline import load, retype
from losslang.syntax.names import nearest

__all__ = ["Model", "Output", "compile", "compile_loss", "plain_loss"]


def compile_loss(
    spec: str | Path | Spec,
    *,
    parameters: Settings | None = None,
    sizes: Mapping[str, int] | None = None,
    steps: int | None = None,
    steps_per_epoch: int | None = None,
    images: int | None = None,
    without: Collection[str] = (),
    estimate: Mapping[str, Any] | Estimate | None = None,
) -> nn.Module:
    """The objective of a method as a module that takes embeddings.

    The inputs are the outputs of the method's networks, by the name of their definition; `module.inputs` lists them with
    their axes. Each is a tensor [view, batch, feature] in view order or a mapping from view to [batch, feature]; the call
    gives `Output(total, terms, raw)`. `sizes` are the feature sizes of inputs that differ from the method's own. `steps` and
    `steps_per_epoch` are needed where schedules count them, `images` (of the data set) where a memory has a row for each; such
    a loss also takes `rows`, the numbers of the batch's images. State moves on with every training step. `without` names passes
    of the optimiser to leave out (`losslang compile --show optimised`). `estimate` takes log-dets and traces by random probes:
    `{"log_det": "lanczos", "trace": "hutch++", "probes": 32, "steps": 20}` (`losslang.algebra.estimates`).

    Raises SpecError where the method has errors, LosslangError where a schedule has no end, `sizes` names no input or
    `estimate` a form that there is not.
    """
    clock = _clock(steps=steps, steps_per_epoch=steps_per_epoch, images=images)
    sizes = {name: read_count(f"the size of `{name}`", size) for name, size in (sizes or {}).items()}
    spec = _typed(spec, parameters, input_sizes=sizes)
    _check_sizes(spec, sizes)
    source = _source(spec, clock, named=True, without=without, estimate=estimate)
    names = loss_networks(spec)
    networks = _build(spec, {}, names) if names else {}
    make = getattr(_module(source, spec), f"{class_name(spec)}Loss")
    return make(*(networks[name] for name in names))


def compile(  # noqa: A001 - the language's word
    spec: str | Path | Spec,
    *,
    backbone: nn.Module,
    feature_size: int,
    parameters: Settings | None = None,
    steps: int | None = None,
    steps_per_epoch: int | None = None,
    images: int | None = None,
    without: Collection[str] = (),
    estimate: Mapping[str, Any] | Estimate | None = None,
) -> Model:
    """A method as a whole: networks and objective.

    `backbone` maps images [batch, …] to [batch, feature]; `feature_size` is the size of its output. `without` names
    passes of the optimiser to leave out, `estimate` takes log-dets and traces by random probes, both as in `compile_loss`.

    Raises SpecError where the method has errors, LosslangError where a schedule has no end.
    """
    clock, chosen = _clock(steps=steps, steps_per_epoch=steps_per_epoch, images=images), estimate_of(estimate)
    feature_size = read_count("feature_size=", feature_size)
    spec = _typed(spec, parameters)
    backbones = [name for name, network in spec.networks.items() if network.kind == "backbone"]
    spec = retype(spec, feature_sizes=dict.fromkeys(backbones, feature_size))
    source = _source(spec, clock, without=without, estimate=chosen)
    networks = _build(spec, dict.fromkeys(backbones, (backbone, feature_size)), tuple(spec.networks))
    inside = loss_networks(spec)
    module = _module(source, spec)
    loss = getattr(module, f"{class_name(spec)}Loss")(*(networks[name] for name in inside))
    outside = {name: network for name, network in networks.items() if name not in inside}
    front = getattr(module, class_name(spec))(outside, loss)
    try:
        return Model(spec, front, networks, source, clock, chosen)
    except CountMissing as error:
        raise LosslangError(f"{spec.source.name}: {error}; give steps= and steps_per_epoch=") from error


def plain_loss(model: Model) -> nn.Module:
    """The loss of a model without passes that choose operations which torch.vmap does not know, around the model's networks.

    Its buffers are new ones, by the same names.
    """
    source = _source(model.spec, model.clock, without=NOT_PLAIN, estimate=model.estimate)
    networks = (getattr(model.loss, inner) for inner in loss_networks(model.spec))
    loss: nn.Module = getattr(_module(source, model.spec), f"{class_name(model.spec)}Loss")(*networks)
    return loss


def _clock(**counts: int | None) -> Clock:
    return Clock(**{name: value if value is None else read_count(f"{name}=", value) for name, value in counts.items()})


def _check_sizes(spec: Spec, sizes: Mapping[str, int]) -> None:
    known = [found.name for found in find_inputs(spec)]
    for name in sizes:
        if name not in known:
            close = nearest(name, known)
            hint = f"did you mean `{close}`?" if close else f"its inputs are {', '.join(known)}"
            raise LosslangError(f"sizes: `{spec.method_name}` has no input `{name}`; {hint}")


def _typed(spec: str | Path | Spec, parameters: Settings | None, **sizes: Mapping[str, int] | None) -> Spec:
    given = read_overrides(parameters, by="parameters=")
    if isinstance(spec, Spec) and not given:
        return retype(spec, **sizes)
    if isinstance(spec, Spec):
        return load(spec.source, parameters={**spec.overrides, **given}, **sizes)
    return load(spec, parameters=given, **sizes)


def _source(
    spec: Spec,
    clock: Clock,
    *,
    named: bool = False,
    without: Collection[str] = (),
    estimate: Mapping[str, Any] | Estimate | None = None,
) -> str:
    try:
        return emit(spec, clock, named=named, without=without, estimate=estimate_of(estimate))
    except CountMissing as error:
        raise LosslangError(f"{spec.source.name}: {error}; give steps=, steps_per_epoch= or images=") from error


def _module(source: str, spec: Spec) -> ModuleType:
    """The emitted source as a module, one for each text: known to torch.compile, its lines shown in tracebacks."""
    return _loaded(source, spec.method_name)


def _loaded(source: str, name: str) -> ModuleType:
    method = re.sub(r"[^0-9a-zA-Z_]", "_", name)
    name = f"losslang_emitted_{method}_{hashlib.sha256(source.encode()).hexdigest()[:12]}"
    if name not in sys.modules:
        file = f"<{name}>"
        linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
        module = ModuleType(name)
        exec(builtins.compile(source, file, "exec"), module.__dict__)  # noqa: S102 - our own text, from a typed graph
        sys.modules[name] = module
        for found in vars(module).values():
            if isinstance(found, type) and issubclass(found, nn.Module):
                copyreg.pickle(found, partial(_pickled, source, method))
    return sys.modules[name]


def _pickled(source: str, method: str, value: nn.Module) -> tuple[Callable[..., nn.Module], tuple[Any, ...], Any]:
    """How an emitted module is pickled: with its source, as no other process has its class."""
    return _unpickled, (source, method, type(value).__name__), value.__dict__


def _unpickled(source: str, method: str, name: str) -> nn.Module:
    cls: type[nn.Module] = getattr(_loaded(source, method), name)
    return cls.__new__(cls)


def _build(spec: Spec, given: Mapping[str, tuple[nn.Module, int]], wanted: Sequence[str]) -> dict[str, nn.Module]:
    from losslang.networks import build

    modules: dict[str, nn.Module] = {}
    sizes = {name: size for name, (_, size) in given.items()}

    def made(name: str) -> nn.Module:
        if name not in modules:
            network = spec.networks[name]
            for other in _references(spec, name):
                made(other)
            if network.kind == "backbone":
                modules[name] = given[name][0]
            else:
                size = spec.network_inputs.get(name)
                in_features = size if isinstance(size, int) else 0
                modules[name], _ = build(network, in_features=in_features, named=modules, sizes=sizes)
        return modules[name]

    for name in wanted:
        if name in spec.network_inputs:  # a network that nothing applies has no input size
            made(name)
    return modules


def _references(spec: Spec, name: str) -> list[str]:
    found, pending = [], [spec.networks[name]]
    while pending:
        network = pending.pop()
        if network.kind == "reference":
            found.append(network.name)
        pending.extend(network.parts)
    return found

"""What makes steps fast without changing what they compute: memory layout and torch.compile."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch._functorch import config as functorch

from losslang.data.photos import photo_view
from losslang.data.policies import Photo
from losslang.training.crew import crew, failed_somewhere
from losslang.training.session import Session

__all__ = ["COMPILES_LOSSES", "accelerate", "speed_up"]

Call = Callable[..., Any]

COMPILES_LOSSES = torch.__version__ >= "2.12"
"""Before 2.12 torch's compiler loses what our backward passes write into slices: wrong gradients, without a word."""


def speed_up(session: Session, say: Callable[[str], None]) -> None:
    """Compile what trains, as the recipe asks; `say` hears why where it does not work."""
    recipe = session.plan.recipe
    if recipe.compile == "never" or (recipe.compile == "auto" and session.device.type != "cuda"):
        return
    front, alone = session.model.front, crew().size == 1
    if alone and COMPILES_LOSSES:
        accelerate(front, "the method", say)
    elif alone or recipe.compile == "always":
        front._compiled_call_impl = networks_first(front, say)  # noqa: SLF001
        if alone:
            say(f"the loss runs without torch.compile: torch {torch.__version__} gets gradients wrong, 2.12 does not")
    else:  # not tried on GPUs yet: who asks for it, has it
        say("the method runs without torch.compile on several processes; compile=always has its networks compiled")
    for policy in {p for p in session.plan.policies.values() if isinstance(p, Photo)}:
        accelerate(photo_view(policy, session.device, session.batches.layout), "augmentation", say)


def accelerate(module: nn.Module, name: str, say: Callable[[str], None]) -> None:
    """Have calls of a module compiled. Where that fails it runs as it is, and `say` hears one line."""
    module._compiled_call_impl = compiled(module._call_impl, name, say)  # noqa: SLF001 - as its compile()


def networks_first(front: nn.Module, say: Callable[[str], None]) -> Call:
    """What a method does with views: its networks compiled as one graph, then the loss as it is.

    On several processes a loss waits for others while it works, which no graph can; norms over all are in the graph.
    """
    embed = compiled(front.embed, "the networks", say, fullgraph=True, backend=for_all)  # type: ignore[arg-type]

    def call(views: Any, *rows: Tensor, places: Tensor | None = None) -> Any:
        embedded = embed(views)
        return front.loss(*(embedded[name] for name in front.loss.inputs), *rows, places=places)  # type: ignore[operator,union-attr]

    return call


def for_all(graph: Any, inputs: Any) -> Any:
    """A backend of torch.compile: code if all processes get theirs, as one without would exchange in another order."""
    code, failure = None, None
    try:
        code = torch._dynamo.lookup_backend("inductor")(graph, inputs)  # noqa: SLF001
    except Exception as error:  # noqa: BLE001 - of whatever kind, the others must know
        failure = error
    if failed_somewhere(failure):
        raise failure or RuntimeError("it fails on another process")
    return code


def _cause(error: Exception) -> str:
    """The first line of what went wrong, inside of the backend if it was there."""
    if isinstance(error, torch._dynamo.exc.BackendCompilerFailed):  # noqa: SLF001
        error = error.inner_exception
    return str(error).strip().splitlines()[0]


def compiled(function: Call, name: str, say: Callable[[str], None], **options: Any) -> Call:
    """A function, compiled; as it is where that fails, which `say` hears.

    Settings of the process: the way back is compiled with the way there, where a failure is still answered, and out of
    autocast, as `backward()` is called; a loss in float32 would otherwise have its gradient's products in bfloat16.
    """
    functorch.force_non_lazy_backward_lowering = True
    functorch.backward_pass_autocast = "off"  # noqa: S105 - no password
    # for the sizes at hand: after a view of another size torch would write code for any, which takes twice the time
    ways = [torch.compile(function, dynamic=False, **options)]

    def call(*arguments: Any, **named: Any) -> Any:
        try:
            return ways[-1](*arguments, **named)
        except (torch._dynamo.exc.TorchDynamoException, torch._inductor.exc.InductorError) as error:  # noqa: SLF001
            ways.append(function)
            say(f"{name} runs without torch.compile: {_cause(error)}")
            return function(*arguments, **named)

    return call

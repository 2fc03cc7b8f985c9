"""What makes steps fast without changing what they compute: memory layout and torch.compile."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch._functorch import config as functorch

from losslang.data.photos import photo_view
from losslang.data.policies import Photo
from losslang.training.crew import crew
from losslang.training.session import Session

__all__ = ["accelerate", "speed_up"]


def speed_up(session: Session, say: Callable[[str], None]) -> None:
    """Compile what trains, as the recipe asks; `say` hears why where it does not work."""
    recipe = session.plan.recipe
    if recipe.compile == "never" or (recipe.compile == "auto" and session.device.type != "cuda"):
        return
    if crew().size > 1:  # one that falls back in the midst of a step would leave the others waiting
        say("the method runs without torch.compile on several processes")
        return
    accelerate(session.model.front, "the method", say)
    for policy in {p for p in session.plan.policies.values() if isinstance(p, Photo)}:
        accelerate(photo_view(policy, session.device, session.batches.layout), "augmentation", say)


def accelerate(module: nn.Module, name: str, say: Callable[[str], None]) -> None:
    """Have calls of a module compiled. Where that fails it runs as it is, and `say` hears one line.

    Settings of the process: the way back is compiled with the way there, where a failure is still answered, and out of
    autocast, as `backward()` is called; a loss in float32 would otherwise have its gradient's products in bfloat16.
    """
    functorch.force_non_lazy_backward_lowering = True
    functorch.backward_pass_autocast = "off"  # noqa: S105 - no password
    # for the sizes at hand: after a view of another size torch would write code for any, which takes twice the time
    eager, compiled = module._call_impl, torch.compile(module._call_impl, dynamic=False)  # noqa: SLF001 - as its compile()

    def call(*arguments: Any, **options: Any) -> Any:
        try:
            return compiled(*arguments, **options)
        except (torch._dynamo.exc.TorchDynamoException, torch._inductor.exc.InductorError) as error:  # noqa: SLF001
            module._compiled_call_impl = None  # noqa: SLF001
            say(f"{name} runs without torch.compile: {str(error).strip().splitlines()[0]}")
            return eager(*arguments, **options)

    module._compiled_call_impl = call  # noqa: SLF001

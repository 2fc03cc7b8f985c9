"""Parts that time training steps: against computation alone, with a target, by its loss, and the gaps between them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from torch.profiler import ProfilerActivity, profile

from losslang.training.loop import step
from losslang.training.session import Session
from losslang.training.speed import COMPILES_LOSSES
from tests.benchmarks.photo_training.bench import Bench, LeftOut, Row

__all__ = ["busy", "byol", "gaps", "losses", "rates"]


def stepping(session: Session, batches: Any) -> Callable[[], object]:
    """Steps of a session on these batches."""

    def work() -> None:
        session.batches = batches
        step(session, None)

    return work


def rates(bench: Bench) -> Iterable[Row]:
    """Whole steps from resident and from streamed photos, as shares of the same steps on fixed random input; memory."""
    for network in bench.networks:
        bench.memory()
        session = bench.session("simsiam", backbone__name=network, data_on="device")
        streamed = bench.session("simsiam", backbone__name=network, data_on="stream").batches
        works = {
            "computation alone": stepping(session, bench.fixed(session)),
            "resident": stepping(session, session.batches),
            "streamed": stepping(session, streamed),
        }
        found, peak = bench.in_turns(works), bench.memory()
        for name, seconds in found.items():
            yield {
                "network": network,
                "batches": name,
                "images/s": bench.batch / seconds,
                "views/s": 2 * bench.batch / seconds,
                "share of computation": found["computation alone"] / seconds,
                "peak GB": peak,
            }


def byol(bench: Bench) -> Iterable[Row]:
    """What the target of BYOL costs beside SimSiam: a step each, and the moving average alone."""
    sessions = {method: bench.session(method) for method in ("simsiam", "byol")}
    found = bench.in_turns({name: stepping(each, bench.fixed(each)) for name, each in sessions.items()})
    for name, seconds in found.items():
        yield {"method": name, "ms per step": 1e3 * seconds, "times simsiam": seconds / found["simsiam"]}
    model = sessions["byol"].model

    def follow() -> None:
        model.loss.pending = True
        model.after_step()

    yield {"method": "byol, moving average alone", "ms per step": 1e3 * bench.seconds(follow, bench.steps)}


def losses(bench: Bench) -> Iterable[Row]:
    """The share of a step that the loss takes, forward and backward, on embeddings that are there."""
    for method in ("vicreg", "simclr"):
        session = bench.session(method)
        model = session.model
        with torch.no_grad():
            embedded = model.embed(session.batches.views(0))
        leaves = [embedded[name].detach().requires_grad_() for name in model.loss.inputs]
        loss = torch.compile(model.loss) if bench.device == "cuda" and COMPILES_LOSSES else model.loss

        def work(loss: Any = loss, leaves: Sequence[torch.Tensor] = leaves) -> None:
            loss(*leaves).total.backward()

        found = bench.in_turns({"step": stepping(session, bench.fixed(session)), "loss": work})
        share = found["loss"] / found["step"]
        yield {
            "method": method,
            "ms per step": 1e3 * found["step"],
            "ms of the loss": 1e3 * found["loss"],
            "share": share,
        }


def busy(intervals: Iterable[tuple[float, float]]) -> tuple[float, float]:
    """Of times from begin to end: the share of the whole in which there is any, and the longest time without."""
    ordered = sorted(intervals)
    first, reached = ordered[0][0], ordered[0][1]
    idle = longest = 0.0
    for begin, end in ordered:
        gap = max(begin - reached, 0)
        idle, longest, reached = idle + gap, max(longest, gap), max(reached, end)
    return 1 - idle / (reached - first), longest


def gaps(bench: Bench) -> Iterable[Row]:
    """The share of the time in which the GPU computes, and its longest pause, over some steps."""
    if bench.device != "cuda":
        raise LeftOut("a profile of the device needs a GPU")
    for network in bench.networks:
        session = bench.session("simsiam", backbone__name=network, data_on="device")
        with profile(activities=[ProfilerActivity.CPU, ProfilerActivity.CUDA]) as seen:
            for _ in range(bench.steps):
                step(session, None)
            bench.wait()
        kernels = [e.time_range for e in seen.events() if e.device_type == torch.autograd.DeviceType.CUDA]
        share, longest = busy((each.start, each.end) for each in kernels)
        yield {"network": network, "kernels": len(kernels), "share computing": share, "longest pause, µs": longest}

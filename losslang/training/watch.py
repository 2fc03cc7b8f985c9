"""What a run says of itself: numbers of the batch at logged steps, and the collapse alarm."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from torch import Tensor, nn

from losslang.analysis.foresight.stability import Verdict
from losslang.backend.interface import Output
from losslang.diagnostics import LosslangError
from losslang.evaluation.alarm import Alarm, uniform_values
from losslang.evaluation.batch import batch_record, observing, output_norm, standardizes
from losslang.evaluation.gradients import gradients
from losslang.evaluation.measure import input_rank
from losslang.objective.spec import Spec
from losslang.questions import stability
from losslang.training.session import Session

__all__ = ["Collapsed", "Watch"]


class Collapsed(LosslangError):
    """The collapse alarm ended the run, as the recipe asks for (`on_collapse: stop`)."""


class Watch:
    """Watches one run. `records` are the lines of the metrics that it has logged already, where it is resumed."""

    def __init__(self, session: Session, records: Iterable[Mapping[str, Any]] = ()) -> None:
        spec = session.plan.spec
        self.session = session
        self.input_rank = input_rank(session.samples.test)
        self.alarm = Alarm(partial(_theory, spec), self.input_rank, uniform_values(spec))
        self._standardized = standardizes(spec, session.embedding)
        self._on = session.plan.recipe.on_collapse != "ignore"
        for record in records:
            self.alarm.see(record)

    def observe(self, views: Mapping[str, Tensor], *rows: Tensor) -> tuple[Output, dict[str, Any]]:
        """The loss of a batch, and what is logged of the batch; before the backward pass."""
        session = self.session
        with observing(self.norm()) as before_norm:
            embedded, out = session.model.observe(views, *rows)
        if not session.embedding:
            return out, {}
        z = embedded[session.embedding]
        return out, self.record(z.detach(), gradients(out.terms, z), before_norm)

    def record(self, z: Tensor, found: Mapping[str, Tensor], before_norm: Sequence[Tensor]) -> dict[str, Any]:
        """What is logged of a batch, from the embedding, the gradients of the terms to it, and what its norm was given."""
        session = self.session
        record, session.center = batch_record(z, found, before_norm, session.center, standardized=self._standardized)
        return record

    def norm(self) -> nn.Module | None:
        """The output batch norm of the network whose output is the embedding, if there is one."""
        definitions = self.session.plan.spec.graph.definitions
        if self.session.embedding not in definitions:
            return None
        return output_norm(self.session.model.networks[str(definitions[self.session.embedding]["network"])])

    def alarmed(self, record: Mapping[str, Any]) -> dict[str, Any]:
        """The part `alarm` of a line of the metrics; empty where nothing is wrong."""
        alert = self.alarm.see(record) if self._on else None
        return {} if alert is None else {"alarm": alert.record()}

    def check(self, record: Mapping[str, Any]) -> None:
        """Raises Collapsed where a logged line holds an alarm and the recipe says stop."""
        if "alarm" in record and self.session.plan.recipe.on_collapse == "stop":
            plan, alarm = self.session.plan, record["alarm"]
            raise Collapsed(
                f"stopped at step {record['step']}: {alarm['seen']}; {alarm['missing']}"
                f" (--resume --on-collapse warn goes on in {plan.folder})"
            )


_THEORIES: dict[int, tuple[Spec, Verdict]] = {}


def _theory(spec: Spec) -> Verdict:
    """What the theory says of a method. It is asked once, as runs that differ in their seed share the method."""
    if id(spec) not in _THEORIES:
        _THEORIES[id(spec)] = spec, stability(spec)  # the method is kept, and so is its id
    return _THEORIES[id(spec)][1]

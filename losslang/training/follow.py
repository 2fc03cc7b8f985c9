"""The run of a process that follows: it steps like the leader's, and leaves folder, measurements and words to it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from losslang.backend.interface import Output
from losslang.diagnostics import LosslangError
from losslang.training.checkpoint import load
from losslang.training.crew import crew, shared
from losslang.training.folder import RunFolder
from losslang.training.plan import RunPlan
from losslang.training.run import Clock, Finite, Run, Say, Watcher, calibrated, due
from losslang.training.session import open_session
from losslang.training.watch import Watch

__all__ = ["Follower", "open_run"]


def open_run(plan: RunPlan, *, resume: bool, tell: Watcher, say: Say) -> Run:
    """The run on this process; a resumed one begins everywhere where the leader's does. Raises LosslangError."""
    if crew().size == 1:
        return Run.open(plan, resume=resume, tell=tell, say=say)
    if not crew().leads:
        return Follower.of(plan)
    try:
        run = Run.open(plan, resume=resume, tell=tell, say=say)
    except LosslangError as error:
        shared(error)
        raise
    shared(run.session.packed())
    return run


class Follower(Run):
    """A run of which the leader keeps the books."""

    @classmethod
    def of(cls, plan: RunPlan) -> Follower:
        """The run, in the state that the leader begins with. Raises LosslangError."""
        session = open_session(plan)
        state: Any = shared(None)
        if isinstance(state, LosslangError):
            raise state
        session.take(load(state, session.device, "the state of process 0"), "the state of process 0")
        return cls(session, RunFolder(plan.folder), lambda _record: None, Clock(session.step), Watch(session))

    def begin(self) -> None:
        """The batches that the leader's measurement begins with."""
        if self.session.step == 0:
            with calibrated(self.session):
                pass  # the leader measures
        self.session.model.train()

    def after_step(  # the leader logs
        self,
        out: Output,  # noqa: ARG002
        rate: float,  # noqa: ARG002
        finite: Finite,
        observed: Mapping[str, Any] | None = None,  # noqa: ARG002
    ) -> None:
        """Count with the leader. Raises NotFinite, as the leader does: terms are the same on all processes."""
        finite.check()
        todo = due(self.session.plan, self.session.step)
        if todo.saving and self.session.probe is not None:
            self.session.probe.gather()
        if todo.logging and self.session.probe is not None:
            self.session.probe.reading()

    def save(self) -> None:
        """The leader does."""

    def finish(self) -> dict[str, Any]:
        """The leader does."""
        return {}

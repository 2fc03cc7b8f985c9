"""Other places for the metrics: each takes every logged record, as metrics.jsonl does, and is closed at the end of the run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any, Protocol

from losslang.diagnostics import LosslangError
from losslang.training.plan import RunPlan
from losslang.training.record import settings_record

__all__ = ["LOGGERS", "Logger", "loggers_of", "numbers"]


class Logger(Protocol):
    """What a place for metrics does."""

    def log(self, step: int, values: Mapping[str, float]) -> None:
        """Take the numbers of a step, by the names that they have in metrics.jsonl (`terms/align`)."""

    def close(self) -> None:
        """Bring everything to where it belongs."""


def numbers(record: Mapping[str, Any], prefix: str = "") -> dict[str, float]:
    """The numbers of a record by name, those of a part as `part/name`; without the step."""
    found: dict[str, float] = {}
    for name, value in record.items():
        if isinstance(value, Mapping):
            found |= numbers(value, f"{prefix}{name}/")
        elif isinstance(value, int | float) and not isinstance(value, bool) and prefix + name != "step":
            found[prefix + name] = float(value)
    return found


@contextmanager
def loggers_of(plan: RunPlan) -> Iterator[Callable[[Mapping[str, Any]], None]]:
    """What a run calls with every record, by `log_to` of its recipe. Raises LosslangError where a package is missing."""
    with ExitStack() as stack:
        opened: list[Logger] = []
        for name in plan.recipe.log_to:
            logger = LOGGERS[name](plan)
            stack.callback(logger.close)
            opened.append(logger)

        def log(record: Mapping[str, Any]) -> None:
            for logger in opened:
                logger.log(int(record["step"]), numbers(record))

        yield log


class _TensorBoard:
    """Event files in `tensorboard/` of the run folder: `tensorboard --logdir runs` finds them."""

    def __init__(self, plan: RunPlan) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise LosslangError("log_to: tensorboard needs its extra: pip install 'losslang[tensorboard]'") from error
        self._open = lambda: SummaryWriter(str(plan.folder / "tensorboard"))
        self._writer: Any = None

    def log(self, step: int, values: Mapping[str, float]) -> None:
        """One scalar per number. Opened late, as a new run replaces its folder first."""
        self._writer = self._writer or self._open()
        for name, value in values.items():
            self._writer.add_scalar(name, value, step)

    def close(self) -> None:
        """Write what is buffered."""
        if self._writer is not None:
            self._writer.close()


class _Wandb:
    """A run of the project `losslang`, named after method, data and seed; online or not as wandb's own settings say."""

    def __init__(self, plan: RunPlan) -> None:
        try:
            import wandb
        except ImportError as error:
            raise LosslangError("log_to: wandb needs its extra: pip install 'losslang[wandb]'") from error
        name = f"{plan.spec.method_name}-{plan.dataset.name}-seed{plan.recipe.seed}"
        place = str(plan.folder)
        self._open = lambda: wandb.init(project="losslang", name=name, dir=place, config=settings_record(plan))
        self._run: Any = None

    def log(self, step: int, values: Mapping[str, float]) -> None:
        """All numbers of the step at once. Opened late, as a new run replaces its folder first."""
        self._run = self._run or self._open()
        self._run.log(dict(values), step=step)

    def close(self) -> None:
        """Finish the run."""
        if self._run is not None:
            self._run.finish()


LOGGERS: dict[str, Callable[[RunPlan], Logger]] = {"tensorboard": _TensorBoard, "wandb": _Wandb}
"""By the name that `log_to` uses."""

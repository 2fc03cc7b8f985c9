"""A run folder as a session again: the method and settings that it recorded, with the weights of its last checkpoint."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

from losslang.diagnostics import LosslangError
from losslang.pipeline import load
from losslang.training.checkpoint import Damaged
from losslang.training.folder import RunFolder
from losslang.training.plan import RunPlan, plan_of
from losslang.training.session import Session, open_session
from losslang.training.settings import Setting, Settings

__all__ = ["recorded_plan", "reopen"]


def recorded_plan(run: Path, data: str | None = None) -> RunPlan:
    """The plan that a run folder records, on its own data or others. Raises LosslangError where it holds none."""
    try:
        record = json.loads((run / "settings.json").read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        within = next(iter(sorted(path.parent for path in run.glob("*/settings.json"))), None)
        remedy = f"; it holds runs, such as {within}" if within else ""
        raise LosslangError(f"{run} holds no run: there is no {run / 'settings.json'}{remedy}") from error
    except (OSError, ValueError) as error:
        raise LosslangError(f"{run} holds no run: settings.json does not read") from error
    method = next((path for suffix in (".yaml", ".loss") if (path := run / f"method{suffix}").is_file()), None)
    if method is None:
        raise LosslangError(f"{run} holds no run: its method is missing")
    settings = _settings(record)
    if data is not None:
        settings["data"] = Setting(data, "--data")
    return plan_of(load(method), record["recipe"], settings, run)


def _settings(record: dict[str, Any]) -> Settings:
    found = {path: Setting(_plain(row["value"]), row["set by"]) for path, row in record["settings"].items()}
    for name, row in record["parameters"].items():
        if isinstance(row["value"], int | float):  # schedules are the method's own
            found[f"parameters.{name}"] = Setting(row["value"], row["set by"])
    return {path: setting for path, setting in found.items() if not setting.source.startswith("data set ")}


def _plain(value: Any) -> Any:
    return tuple(map(_plain, value)) if isinstance(value, list) else value


def reopen(run: Path, data: str | None = None) -> Session:
    """A session with the weights of the run's last good checkpoint, without its online probe. Raises LosslangError."""
    plan = recorded_plan(run, data)
    evaluation = plan.recipe.evaluation.model_copy(update={"online": "never"})
    recipe = plan.recipe.model_copy(update={"evaluation": evaluation})
    session = open_session(dataclasses.replace(plan, recipe=recipe))
    damaged: Damaged | None = None
    for path in RunFolder(run).checkpoints:
        try:
            session.restore(path)
        except Damaged as error:
            damaged = error
            continue
        return session
    if damaged and data is not None:
        raise LosslangError(f"--data {data}: the networks of {run} do not take its samples; name data of the same kind")
    raise damaged or LosslangError(f"{run} holds no checkpoint")

"""Run folders as data: read, and put into groups that differ in the seed alone. Torch-free."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from losslang.diagnostics import LosslangError
from losslang.report.plots import styles
from losslang.training.folder import METRICS, RESULT, SETTINGS, RunFolder
from losslang.training.loggers import numbers

__all__ = ["Group", "RunData", "group_runs", "read_run", "settings_apart"]

_NO_DIFFERENCE = {
    "seed",
    "device",
    "threads",
    "log_every",
    "checkpoint_every",
    "evaluation.every",
    "on_collapse",
    "log_to",
}
"""Settings that make no other experiment of a run."""


@dataclass(frozen=True)
class RunData:
    """One run folder as read; `records` are the lines of its metrics, `result` is None where it is not finished.

    `failure` says why it never will be; `called` is its name in the experiment that it belongs to.
    """

    folder: Path
    settings: Mapping[str, Any]
    environment: Mapping[str, Any]
    records: Sequence[Mapping[str, Any]]
    result: Mapping[str, Any] | None
    failure: str = ""
    called: str = ""

    @property
    def method(self) -> str:
        """The name of the method."""
        return str(self.settings["method"])

    @property
    def data(self) -> str:
        """The name of the data set."""
        return str(self.setting("data"))

    @property
    def seed(self) -> int:
        """The seed."""
        return int(self.setting("seed") or 0)

    def setting(self, path: str) -> Any:
        """The value of a setting by its path; None where the run has none of the name."""
        return self.settings["settings"].get(path, {}).get("value")

    @cached_property
    def choices(self) -> dict[str, Any]:
        """Everything that was chosen for the run, seed and bookkeeping apart, by name."""
        chosen = {name: row["value"] for name, row in self.settings.get("parameters", {}).items()}
        chosen |= {path: row["value"] for path, row in self.settings["settings"].items() if path not in _NO_DIFFERENCE}
        return {name: value for name, value in chosen.items() if name != "data"}

    @property
    def method_file(self) -> Path:
        """The method as it was read by the run. Raises LosslangError where the folder has none."""
        found = sorted(self.folder.glob("method.*"))
        if not found:
            raise LosslangError(f"{self.folder} holds no method file; it is no whole run folder")
        return found[0]

    @cached_property
    def rows(self) -> dict[int, dict[str, float]]:
        """Every number of the metrics by step and name (`terms` as `terms/align`), and those of the result at the end."""
        found: dict[int, dict[str, float]] = {}
        for record in self.records:
            found.setdefault(int(record["step"]), {}).update(_numbers(record))
        if self.result is not None and found:
            known = {name for row in found.values() for name in row}
            last = {name: value for name, value in _numbers(self.result).items() if name in known}
            found.setdefault(int(self.result["steps"]), {}).update(last)
        return dict(sorted(found.items()))


def _numbers(record: Mapping[str, Any]) -> dict[str, float]:
    return {name: value for name, value in numbers(record).items() if name != "epoch"}


@dataclass(frozen=True)
class Group:
    """Runs that differ in the seed alone; `label` tells the group from the others on a page, and `style` its lines."""

    label: str
    runs: tuple[RunData, ...]
    style: int = 0

    @property
    def first(self) -> RunData:
        """The run of the smallest seed."""
        return self.runs[0]


def read_run(folder: Path, called: str = "") -> RunData:
    """One run folder. Raises LosslangError where it is not whole."""
    try:
        settings = json.loads((folder / SETTINGS).read_text(encoding="utf-8"))
        environment = folder / "environment.json"
        run = RunData(
            folder,
            settings,
            json.loads(environment.read_text(encoding="utf-8")) if environment.exists() else {},
            RunFolder(folder).metrics(),
            RunFolder(folder).result(),
            RunFolder(folder).failure(),
            called,
        )
        _look_through(run)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        files = f"{SETTINGS}, environment.json, {METRICS}, {RESULT}"
        raise LosslangError(f"{folder} is no run that can be read ({files}): {type(error).__name__}: {error}") from None
    return run


def _look_through(run: RunData) -> None:
    """Ask for everything that a page takes for granted. Raises LosslangError, or whatever the asking raises."""
    _ = run.method, run.data, run.seed, run.choices, run.rows, run.method_file
    _ = dict(run.environment), int(run.settings["steps"]), [row["set by"] for row in run.settings["settings"].values()]
    if run.result is not None:
        _ = (
            int(run.result["steps"]),
            str(run.result["collapsed"]),
            [alarm["kind"] for alarm in run.result.get("alarms", [])],
        )


def group_runs(runs: Iterable[RunData]) -> list[Group]:
    """The groups in order of first appearance; labels say no more than is needed to tell them apart."""
    by_key: dict[str, list[RunData]] = {}
    for run in runs:
        key = json.dumps([run.method, run.data, run.settings.get("hash"), run.choices], sort_keys=True, default=str)
        by_key.setdefault(key, []).append(run)
    groups = [sorted(members, key=lambda run: run.seed) for members in by_key.values()]
    firsts = [members[0] for members in groups]
    labels = _labels(firsts)
    looks = styles(
        [(label.replace(f" on {run.data}", ""), run.data) for label, run in zip(labels, firsts, strict=True)]
    )
    return [Group(label, tuple(g), style) for label, g, style in zip(labels, groups, looks, strict=True)]


def _labels(firsts: Sequence[RunData]) -> list[str]:
    """The names that experiments gave, where every group has one of its own; else by what the groups differ in."""
    several = len({run.data for run in firsts}) > 1
    called = [f"{run.called} on {run.data}" if several else run.called for run in firsts]
    if all(run.called for run in firsts) and len(set(called)) == len(called):
        return called
    return [_label(run, firsts, data=several) for run in firsts]


def _label(run: RunData, others: Sequence[RunData], *, data: bool) -> str:
    """The method; the data where there are several; and what else differs from runs of the same two.

    A setting that another run does not record, as one of an older version, does not count as different.
    """
    alike = [other for other in others if (other.method, other.data) == (run.method, run.data)]
    names = [n for n, value in run.choices.items() if any(other.choices.get(n, value) != value for other in alike)]
    words = [run.method, *([f"on {run.data}"] if data else [])]
    words += [_said(name, run.choices[name]) for name in names]
    return " ".join(words) if names or len(alike) == 1 else f"{' '.join(words)} ({run.folder})"


def _said(name: str, value: object) -> str:
    return f"{name.removeprefix('optimizer.')}={value}"


def settings_apart(kinds: Sequence[Sequence[RunData]]) -> list[tuple[str, list[RunData]]]:
    """Runs of several kinds, apart by whatever differs within one of them (as by a sweep), with the words that say it.

    A run that does not have the setting, as a parameter of another method, goes with every value.
    """
    names = dict.fromkeys(
        name for kind in kinds for run in kind for name, v in run.choices.items() if kind[0].choices.get(name, v) != v
    )
    settings: list[dict[str, object]] = [{}]
    for kind in kinds:
        mine = [{name: run.choices[name] for name in names if name in run.choices} for run in kind]
        mine = [one for at, one in enumerate(mine) if one not in mine[:at]]
        joined = [one | other for one in settings for other in mine if _agree(one, other)]
        settings = joined or settings
    apart = {" ".join(_said(name, setting[name]) for name in names if name in setting): setting for setting in settings}
    runs = [run for kind in kinds for run in kind]
    return [(words, [run for run in runs if _agree(run.choices, setting)]) for words, setting in apart.items()]


def _agree(one: Mapping[str, object], other: Mapping[str, object]) -> bool:
    return all(one.get(name, value) == value for name, value in other.items())

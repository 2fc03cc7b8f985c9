"""The runs that folders hold, in the order in which a page shows them; what cannot be read is named and left out. Torch-free."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from losslang.diagnostics import LosslangError
from losslang.report.listed import Listed, read_list
from losslang.report.runs import RunData, read_run
from losslang.training.folder import METRICS, SETTINGS

__all__ = ["Found", "find_runs"]


@dataclass(frozen=True)
class Found:
    """`runs` are those that can be read; `unread` says of each of the others why it cannot.

    `listed` is what the experiment says of itself, where its folder alone was asked for.
    """

    runs: Sequence[RunData]
    unread: Sequence[str] = ()
    listed: Listed = field(default_factory=Listed)


def find_runs(paths: Iterable[Path]) -> Found:
    """The runs in folders, or in folders below them: by path as given, then as the experiment's file has them, else by name.

    Raises LosslangError where a path holds none, or none can be read.
    """
    paths = list(paths)
    lists: dict[Path, Listed] = {}
    runs: dict[Path, RunData] = {}
    unread: dict[str, None] = {}
    for path in paths:
        folders = _folders(path)
        for above in {folder.parent.parent for folder in folders} - set(lists):
            lists[above] = _listed(above, unread)
        for folder in sorted(folders, key=lambda folder: _order(folder, lists[folder.parent.parent])):
            try:
                runs[folder.resolve()] = read_run(folder, lists[folder.parent.parent].names.get(folder.resolve(), ""))
            except LosslangError as error:
                unread[str(error)] = None
    if not runs:
        raise LosslangError("; ".join(unread))
    listed = lists.get(paths[0], Listed()) if len(paths) == 1 else Listed()
    return Found(list(runs.values()), tuple(unread), listed)


def _folders(path: Path) -> list[Path]:
    """Folders of runs, those that lost their settings among them; not those that are just being made (`.seed0.new`)."""
    if (path / SETTINGS).is_file():
        return [path]
    found = {file.parent for name in (SETTINGS, METRICS) for file in path.rglob(name)}
    folders = [folder for folder in found if not any(part.startswith(".") for part in folder.relative_to(path).parts)]
    if not folders:
        what = "holds no run" if path.is_dir() else "is no folder of a run"
        raise LosslangError(f"{path} {what}; runs are made by `losslang train`, and stand in runs/")
    return folders


def _listed(folder: Path, unread: dict[str, None]) -> Listed:
    """The experiment's list; where it cannot be read its runs are read all the same, without the names it gave them."""
    try:
        return read_list(folder)
    except LosslangError as error:
        unread[str(error)] = None
        return Listed()


_Name = tuple[str | float, ...]


def _order(folder: Path, listed: Listed) -> tuple[_Name, float, _Name]:
    """Experiments by name; their runs as listed; the rest by name, numbers in it by size (`momentum=9` before `=10`)."""
    return _name(folder.parent.parent), listed.places.get(folder.resolve(), math.inf), _name(folder)


def _name(folder: Path) -> _Name:
    """Words and numbers by turns."""
    parts = re.split(r"(\d+(?:\.\d+)?(?:e[-+]?\d+)?)", str(folder))
    return tuple(float(part) if at % 2 else part for at, part in enumerate(parts))

"""What an experiment's folder says of its runs: a title, what to plot, and what each run is called in figures. Torch-free."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from losslang.diagnostics import LosslangError

__all__ = ["LIST", "Listed", "read_list"]

LIST = "experiment.json"
"""The file, in the folder of the experiment."""


@dataclass(frozen=True)
class Listed:
    """`plot` are the numbers of the metrics to draw; `names` what runs are called, by their resolved folders."""

    title: str = ""
    plot: Sequence[str] = ()
    names: Mapping[Path, str] = field(default_factory=dict)

    @cached_property
    def places(self) -> Mapping[Path, int]:
        """The number of each run in the list."""
        return {folder: at for at, folder in enumerate(self.names)}


def read_list(folder: Path) -> Listed:
    """The list in a folder, empty where there is none. Raises LosslangError where it cannot be read."""
    path = folder / LIST
    if not path.is_file():
        return Listed()
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        names = {(folder / row["folder"]).resolve(): _name(row) for row in found["runs"]}
        return Listed(found["title"] or found["experiment"], tuple(found["plot"]), names)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise LosslangError(f"{path} is not what `losslang experiment` writes; its next call writes it anew") from error


def _name(row: Mapping[str, object]) -> str:
    """The name in the experiment's file, with the values of its sweep."""
    swept = row["swept"]
    assert isinstance(swept, Mapping)
    return " ".join([str(row["label"]), *(f"{path.rpartition('.')[2]}={value}" for path, value in swept.items())])

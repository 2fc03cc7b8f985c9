"""The results of many runs as a page: one row per method, mean ± standard deviation over its seeds.

    python -m tests.benchmarks.table FOLDER…

reads every `result.json` below the folders, a table per data set, and says of each collapse what was known before.
"""

from __future__ import annotations

import json
import statistics
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import losslang
from losslang.analysis.stability import Finding
from losslang.pipeline import stability
from losslang.shipped import shipped_specs

__all__ = ["methods", "page", "results"]

COLUMNS = {"knn": ("kNN", 3), "linear_probe": ("linear probe", 3), "center_norm": ("center norm", 3)} | {
    "effective_rank": ("effective rank", 2)
}
WORDS = {"stable": "stable", "held": "held by dynamics", "undecided": "undecided", "collapses": "collapses"}
KEPT = 0.9
"""Share of the median kNN of the table above which the embedding still tells the classes apart."""

ABOUT = """\
Means ± standard deviations over seeds. kNN (20 neighbours) and linear probe are accuracies on the backbone's features; center
norm and effective rank are of the embedding `{embedding}` of the method. *Before training* is what `losslang check` says of the
method with the parameters of the recipe. A run counts as collapsed where the center norm or the effective rank of the
embedding says so at the end."""


@dataclass(frozen=True)
class Runs:
    """The finished runs of one method on one data set."""

    method: str
    parameters: dict[str, float]
    results: list[dict[str, Any]] = field(default_factory=list)

    @property
    def verdict(self) -> Finding | None:
        """What is known of the method, with the parameters of these runs; None for one that does not ship."""
        if self.method not in shipped_specs():
            return None
        return stability(losslang.load(self.method, parameters=self.parameters)).constant

    def mean(self, key: str) -> float:
        """The mean of a measurement over seeds."""
        return statistics.fmean(result[key] for result in self.results)

    def shown(self, key: str, digits: int) -> str:
        """`0.951 ± 0.002`."""
        values = [result[key] for result in self.results]
        spread = f" ± {statistics.stdev(values):.{digits}f}" if len(values) > 1 else ""
        return f"{statistics.fmean(values):.{digits}f}{spread}"

    @property
    def collapsed(self) -> dict[str, int]:
        """How many runs collapsed, by kind."""
        kinds = [result["collapsed"] for result in self.results]
        return {kind: kinds.count(kind) for kind in dict.fromkeys(kinds) if kind != "none"}


def results(folders: Iterable[Path]) -> dict[str, list[Runs]]:
    """Data set -> methods in the order of the alphabet, each with its runs in the order of seeds."""
    found: dict[str, dict[str, Runs]] = {}
    paths = [path for folder in folders for path in folder.rglob("result.json")]
    read = [(json.loads(path.read_text()), path.with_name("settings.json")) for path in paths]
    for result, settings in sorted(read, key=lambda row: (row[0]["method"], row[0]["seed"])):
        method = result["method"]
        of_data = found.setdefault(result["data"], {})
        if method not in of_data:
            of_data[method] = Runs(method, _numbers(json.loads(settings.read_text())))
        of_data[method].results.append(result)
    return {data: list(methods.values()) for data, methods in found.items()}


def _numbers(settings: dict[str, Any]) -> dict[str, float]:
    """The parameters that a run had, less its schedules."""
    values = {name: row["value"] for name, row in settings["parameters"].items()}
    return {name: value for name, value in values.items() if isinstance(value, int | float)}


def unfinished(folders: Iterable[Path]) -> dict[str, list[str]]:
    """Method -> runs that have no result: name of the data set's folder and of the seed's."""
    found: dict[str, list[str]] = {}
    for path in sorted(path for folder in folders for path in folder.rglob("settings.json")):
        if not path.with_name("result.json").exists():
            method = json.loads(path.read_text())["method"]
            found.setdefault(method, []).append("/".join(path.parts[-4:-1:2]))
    return found


# ---------------------------------------------------------------- the page


def page(folders: Sequence[Path]) -> str:
    """The whole page in markdown."""
    tables = results(folders)
    embeddings = {result["embedding"] for runs in tables.values() for one in runs for result in one.results}
    parts = [ABOUT.format(embedding="`, `".join(sorted(embeddings, key=lambda name: (name != "z", name))))]
    for data, runs in tables.items():
        parts += [f"## {data}", _setting(runs), *_table(runs)]
    missing = sorted({path.stem for path in methods()} - {one.method for runs in tables.values() for one in runs})
    if missing:
        parts.append(f"No runs: {', '.join(missing)}.")
    for method, where in unfinished(folders).items():
        parts.append(f"Not finished: {method} ({', '.join(where)}).")
    return "\n\n".join(parts) + "\n"


def methods() -> list[Path]:
    """The methods themselves, without their variants."""
    return [path for path in shipped_specs().values() if path.parent.name != "variants"]


def _setting(runs: Sequence[Runs]) -> str:
    every = [result for one in runs for result in one.results]
    recipes = ", ".join(sorted({f"{result['recipe']}, {result['steps']} steps" for result in every}))
    seconds = statistics.median(result["seconds"] for result in every)
    seeds = {len(one.results) for one in runs}
    counted = f"{min(seeds)}" if len(seeds) == 1 else f"{min(seeds)} to {max(seeds)}"
    return f"Recipe {recipes}; {counted} seeds of {len(runs)} methods; {seconds:.0f} s for the median run."


def _table(runs: Sequence[Runs]) -> Iterator[str]:
    notes: list[str] = []
    head = ["method", "before training", *(title for title, _ in COLUMNS.values()), "collapsed"]
    rows = [head, ["---", "---", *("---:" for _ in COLUMNS), "---"]]
    usual = statistics.median(one.mean("embedding_knn") for one in runs)
    for one in runs:
        verdict = one.verdict
        before = WORDS[verdict.answer] if verdict else ""
        collapsed = ", ".join(f"{count} of {len(one.results)} {kind}" for kind, count in one.collapsed.items()) or "no"
        against = verdict is not None and (verdict.answer == "collapses") != bool(one.collapsed)
        if one.collapsed or against:
            notes.append(f"{len(notes) + 1}. **{one.method}**: {_explained(one, verdict, usual)}")
            collapsed += f" [{len(notes)}]"
        rows.append([one.method, before, *(one.shown(key, digits) for key, (_, digits) in COLUMNS.items()), collapsed])
    yield "\n".join(f"| {' | '.join(row)} |" for row in rows)
    if notes:
        yield "\n".join(notes)


def _explained(one: Runs, verdict: Finding | None, usual: float) -> str:
    """What was known before, and what is left after."""
    sentences = []
    if verdict is not None:
        fits = "as said before training" if verdict.answer == "collapses" else "said before training"
        sentences.append(f"{fits}: {WORDS[verdict.answer]}, {verdict.reason}.")
    if not one.collapsed:
        sentences.append("The run is too short to show it.")
    left, rank, share = one.mean("embedding_knn"), one.mean("effective_rank"), one.mean("embedding_knn") / usual
    if one.collapsed and share >= KEPT:
        sentences.append(
            f"The embedding still tells the classes apart (its own kNN {left:.3f}, effective rank {rank:.1f}): most of its"
            " length is common to all rows, and the objective sees what is left."
        )
    elif one.collapsed:
        sentences.append(f"The classes are lost with it (kNN of the embedding {left:.3f}, effective rank {rank:.1f}).")
    text = " ".join(sentences)
    return text[:1].upper() + text[1:]


if __name__ == "__main__":
    if not sys.argv[1:]:
        sys.exit(__doc__)
    print(page([Path(argument) for argument in sys.argv[1:]]), end="")

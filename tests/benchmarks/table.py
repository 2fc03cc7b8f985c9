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
from functools import cached_property
from pathlib import Path
from typing import Any

import losslang
from losslang.analysis.foresight.stability import Verdict
from losslang.questions import stability
from losslang.shipped import shipped_specs

__all__ = ["methods", "page", "results"]

COLUMNS = {"knn": ("kNN", 3), "linear_probe": ("linear probe", 3), "center_norm": ("center norm", 3)} | {
    "effective_rank": ("effective rank", 2)
}
WORDS = {"stable": "stable", "held": "held by dynamics", "undecided": "undecided", "collapses": "collapses"}
WHY = {
    "barlow": "Its weight of 0.0051 was chosen for 8,192 features: against the diagonal, the rest of the matrix counts for"
    " weight times features, 42 there and less than 1 at the sizes of a toy",
    "coding_rate_taylor": "The second-order form bends back where eigenvalues are not small, and then pulls them together",
    "dino": "The embedding measured is the scores of the prototypes: centering and softmax do not see what all of them"
    " share, and nothing shortens it",
    "empssl": "Alignment weighs 200, chosen for patches of one image; against noise as strong as here the log-det is weak",
    "koleo": "The term acts on differences of nearest neighbours, in which the center cancels",
    "ressl": "A relation is a softmax over the queue, in which what all rows share cancels, in value and gradient",
    "simsiam_bias": "The paper's finding, that a single bias prevents collapse, does not reproduce with noise this strong",
}
"""Why the collapses came that nothing foresaw."""

KEPT = 0.9
"""Share of the median kNN of the table above which the embedding still tells the classes apart."""

CLASSES = (7.0, 11.0)
"""Effective ranks that ten classes need: nine directions, less what is uneven."""

ABOUT = """\
Means ± standard deviations over seeds. kNN (20 neighbours) and linear probe are accuracies on the backbone's features; center
norm and effective rank are of the embedding `{embedding}` of the method. *Before training* is what `losslang check` says of the
method with the parameters of the recipe. A run counts as collapsed to a constant where the center norm
of its embedding ends above 0.95, and as collapsed in dimension where the effective rank ends below half of what there was to
keep (the smaller of the inputs' and the untrained embedding's). Neither is the loss of the classes: ten classes need nine
directions, a long common vector harms no nearest neighbour, and the notes give the kNN of the embedding itself."""


@dataclass(frozen=True)
class Runs:
    """The finished runs of one method on one data set."""

    method: str
    parameters: dict[str, float]
    results: list[dict[str, Any]] = field(default_factory=list)

    @cached_property
    def verdict(self) -> Verdict | None:
        """What is known of the method, with the parameters of these runs; None for one that does not ship."""
        if self.method not in shipped_specs():
            return None
        return stability(losslang.load(self.method, parameters=self.parameters))

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
        answer = one.verdict.constant.answer if one.verdict else ""
        collapsed = ", ".join(f"{count} of {len(one.results)} {kind}" for kind, count in one.collapsed.items()) or "no"
        if one.collapsed or answer == "collapses":
            notes.append(f"{len(notes) + 1}. **{one.method}**: {_explained(one, usual)}")
            collapsed += f" [{len(notes)}]"
        shown = [one.shown(key, digits) for key, (_, digits) in COLUMNS.items()]
        rows.append([one.method, WORDS.get(answer, ""), *shown, collapsed])
    yield "\n".join(f"| {' | '.join(row)} |" for row in rows)
    if notes:
        yield "\n".join(notes)


def _explained(one: Runs, usual: float) -> str:
    """What was known before, and what is left after."""
    left, rank, center = one.mean("embedding_knn"), one.mean("effective_rank"), one.mean("center_norm")
    seen = []
    if "constant" in one.collapsed:
        seen.append("most of the length of the embedding is common to all rows")
    if "dimensional" in one.collapsed:
        there = one.mean("input_effective_rank")
        seen.append(f"center norm {center:.2f}, and {rank:.1f} directions in use of the {there:.0f} of the inputs")
    if not seen:
        seen.append("these runs do not show it")
    after = f"{'; '.join(seen)}; kNN of the embedding {left:.3f} (median of all methods {usual:.3f})."
    clusters = one.collapsed.keys() == {"dimensional"} and CLASSES[0] <= rank <= CLASSES[1] and left > KEPT * usual
    why = WHY.get(one.method) or ("About what it takes to keep ten classes apart" if clusters else "")
    return f"{_foreseen(one)}. {after[:1].upper()}{after[1:]}" + (f" {why}." if why else "")


def _foreseen(one: Runs) -> str:
    """What the verdict said of the kind of collapse that came."""
    if one.verdict is None:
        return "No verdict"
    constant, rank = one.verdict.constant, one.verdict.rank
    if constant.answer == "collapses":
        return f"Said before training: collapses, {constant.reason}"
    if "constant" in one.collapsed:
        return f"Not foreseen ({WORDS[constant.answer]}: {constant.reason})"
    if rank.answer == "possible":
        return f"Said before training: dimensional collapse possible, {rank.reason}"
    return f"Not foreseen (full rank by {rank.reason})"


if __name__ == "__main__":
    if not sys.argv[1:]:
        sys.exit(__doc__)
    print(page([Path(argument) for argument in sys.argv[1:]]), end="")

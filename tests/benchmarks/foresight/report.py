"""The results as a page."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence

from tests.benchmarks.foresight.labels import CONSTANT, DIMENSIONAL, OK, agreed, is_constant, three
from tests.benchmarks.foresight.notes import FINDINGS, NOTES
from tests.benchmarks.foresight.records import Record
from tests.benchmarks.foresight.scores import (
    SAYERS,
    Sayer,
    Score,
    constant,
    dimensional,
    interval,
    labels,
    three_classes,
)

__all__ = ["page"]

ABOUT = """\
# Foresight

Does `losslang check` know before training what becomes of an objective? {count} random objectives, written as methods of the
language, were each trained on two data sets (blobs, digits) from two seeds, and the verdict was asked of each. An objective
is an alignment (cosine or squared error) with or without predictor (linear, mlp, a bias alone; on one side or both),
stop-gradient (on either side), moving average as target, centering of the target, batch norm, and 0 to 3 further terms with
weights log-uniform between 0.001 and 100; every fifth has no further term. Networks are in-64-64-16, training is 600 steps of
SGD (0.05, momentum 0.9, half cosine, weight decay 1e-4, gradients cut to length 1, batch 256, noise 0.15 and 0.5).

**What counts.** A run is *constant* where the center norm of its unit embeddings of clean data ends above 0.5 and the
residual's length against the center fell by more than 20 % (or the norm ends above 0.7 and began below 0.6); else
*dimensional* where the centred effective rank fell below 0.7 of that before training; else *held* where the center norm ends
above 0.7 as it began; else *ok*. Held counts as ok among three classes. A label counts where at least three of the four runs
agree; the others are contested, and apart.

**Who is compared.** The *verdict* may say undecided (coverage is the share of which it says something); the second row takes
the side it leans to instead. The *plain rule*: an objective collapses unless a term that theory names has a weight of at
least 0.01, or a predictor on one side stands against a stopped branch or moving average, or there is output batch norm or
centering; it loses dimensions unless a term de-correlates. Accuracy has its 95 % interval (Wilson; objectives are the unit).

**In which order.** Rules and numbers of the verdict were chosen on the {calibration} calibration objectives and committed
before any result of the {fresh} fresh ones was read; the seed that draws these was committed before that, and before their
trainings, which no rule enters. 300 of the calibration objectives were the fresh ones of an earlier round: rules that had not
seen them were right for 0.950 on constant collapse, 0.850 on dimensional, 0.827 on three classes, never undecided; what they
showed to be wrong was mended and tried on new ones. What the new ones show to be wrong is noted below and not
corrected. Date {date}; Python {python}, losslang {losslang}, torch {torch}, numpy {numpy}.
"""

PARTS = {"Fresh objectives": ("fresh_2",), "Calibration objectives": ("calibration", "calibration_2", "fresh")}
QUESTIONS: dict[str, Callable[[Iterable[Record], Sayer], Score]] = {
    "Constant collapse": constant,
    "Dimensional collapse, among objectives that are not constant": dimensional,
}
MISSES = 8


def page(about: dict[str, str], records: Sequence[Record]) -> str:
    """The whole page in markdown."""
    counts = {name: sum(record.part in parts for record in records) for name, parts in PARTS.items()}
    fresh, calibration = counts.values()
    blocks = [ABOUT.format(count=len(records), fresh=fresh, calibration=calibration, **about)]
    for name, parts in PARTS.items():
        blocks += [f"## {name}", *_part([record for record in records if record.part in parts])]
        blocks += [FINDINGS] if name == "Fresh objectives" else []
    return "\n\n".join(block.strip() for block in blocks) + "\n"


def _part(records: Sequence[Record]) -> Iterator[str]:
    for question, ask in QUESTIONS.items():
        yield f"### {question}"
        yield _table(["", *_HEAD], [[name, *_row(ask(records, sayer))] for name, sayer in SAYERS.items()])
    yield "### Three classes"
    yield _table(
        ["", "objectives", "coverage", "accuracy", "95 %"],
        [[name, *_short(three_classes(records, sayer))] for name, sayer in SAYERS.items()],
    )
    yield "What the verdict, never undecided, says (rows) of what became of them (columns):"
    yield _confusion(three_classes(records, SAYERS["verdict, never undecided"]))
    yield "### By kind"
    yield _table(["kind", "objectives", "constant", *_KINDS], list(_kinds(records)))
    yield "### Contested"
    yield _contested(records)
    yield "### Worst misses"
    yield "\n".join(_misses(records)) or "None."


_HEAD = ("objectives", "coverage", "accuracy", "95 %", "precision", "recall", "tp / fp / fn / tn")
_KINDS = ("verdict", "plain rule", "three classes: verdict", "plain rule")


def _row(score: Score) -> list[str]:
    four = (score.count(said, true) for said, true in ((True, True), (True, False), (False, True), (False, False)))
    return [*_short(score), _share(score.precision), _share(score.recall), " / ".join(map(str, four))]


def _short(score: Score) -> list[str]:
    low, high = interval(score)
    return [str(score.asked), _share(score.coverage), _share(score.accuracy), f"{_share(low)} to {_share(high)}"]


def _share(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.3f}"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---", *("---:" for _ in head[1:])], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _confusion(score: Score) -> str:
    classes = (CONSTANT, DIMENSIONAL, OK)
    return _table(["", *classes], [[said, *(str(score.count(said, true)) for true in classes)] for said in classes])


def _kinds(records: Sequence[Record]) -> Iterator[list[str]]:
    """One row by kind, then those without and with further terms."""
    for kind in sorted({record.objective.kind for record in records}):
        yield _kind(kind, [record for record in records if record.objective.kind == kind])
    yield _kind("*no further term*", [record for record in records if not record.objective.terms])
    yield _kind("*further terms*", [record for record in records if record.objective.terms])


def _kind(name: str, records: Sequence[Record]) -> list[str]:
    never, plain = SAYERS["verdict, never undecided"], SAYERS["plain rule"]
    found = [ask(records, sayer) for ask in (constant, three_classes) for sayer in (never, plain)]
    positives = sum(true is True for _, true in found[0].pairs)
    return [name, str(len(records)), str(positives), *(_share(score.accuracy) for score in found)]


def _contested(records: Sequence[Record]) -> str:
    apart = [record for record in records if agreed(map(is_constant, labels(record))) is None]
    classes = [record for record in records if agreed(map(three, labels(record))) is None]
    said = [record.said.outcome for record in apart if record.said is not None]
    words = ", ".join(f"{said.count(word)} {word}" for word in dict.fromkeys(sorted(said)))
    tail = f" Of the former the verdict says: {words}." if words else ""
    return (
        f"The four runs contest constant collapse of {len(apart)} of {len(records)} objectives, and the three classes of"
        f" {len(classes)}.{tail}"
    )


def _misses(records: Sequence[Record]) -> Iterator[str]:
    """Constant collapse first, then classes, the strongest forces first."""
    never = SAYERS["verdict, never undecided"]
    truths = [(record, agreed(map(three, labels(record)))) for record in records]
    wrong = [(record, true) for record, true in truths if true is not None and never(record) != true]
    wrong.sort(key=lambda pair: (CONSTANT not in {pair[1], never(pair[0])}, -_force(pair[0])))
    for record, true in wrong[:MISSES]:
        said, one = record.said, record.objective
        assert said is not None
        forces = ", ".join(f"{term} {growth:+.3g}" for term, growth in said.forces.items())
        weights = ", ".join(f"{weight:g} {name}" for name, weight in one.terms.items())
        runs = ", ".join(f"{run['center_0']:.2f} → {run['center']:.2f}" for run in record.runs.values())
        ranks = ", ".join(f"{run['rank'] / run['rank_0']:.2f}" for run in record.runs.values())
        note = NOTES.get((record.part, one.number), "")
        yield (
            f"- **{record.part} {one.number}**, {one.kind}{', ' + weights if weights else ''}: said {never(record)}"
            f" ({said.answer}: {said.reason}), became {true}. Growth of the residual against the center: {forces}. Center"
            f" norms {runs}; rank of the start kept {ranks}.{' ' + note if note else ''}"
        )
    if len(wrong) > MISSES:
        yield f"- … and {len(wrong) - MISSES} more."


def _force(record: Record) -> float:
    assert record.said is not None
    return abs(sum(record.said.forces.values()))

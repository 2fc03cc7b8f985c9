"""What the founding papers say, as rows that runs decide: each claim with the numbers that speak for or against it.

A claim is decided by an interval of 95 % over seeds (`statistics`), never by a mean alone: it holds where the whole interval
is on its side, does not hold where the whole interval is on the other, and is undecided between. Runs of a sweep are never
mixed: a claim is decided at every setting, which its answer names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from losslang.report.curves import metric_title
from losslang.report.runs import RunData, settings_apart
from losslang.report.statistics import Estimate, difference, estimate

__all__ = ["CLAIMS", "CONSTANT", "FIGURES", "SHORT", "Claim", "Decision", "Judge", "Pick", "decide", "said", "side"]

Answer = Literal["holds", "does not hold", "undecided"]

CONSTANT, SHORT, EQUAL = 0.95, 0.1, 0.01
"""Center norms that count as collapse and as none at all; accuracies that count as the same."""


@dataclass(frozen=True)
class Pick:
    """The runs of a method with some choices; `name` is what they are called."""

    method: str
    choices: Mapping[str, object] = field(default_factory=dict)
    called: str = ""

    @property
    def name(self) -> str:
        """The method with its choices, or what it is called."""
        return self.called or " ".join([self.method, *(f"{key}={value}" for key, value in self.choices.items())])

    def of(self, runs: Sequence[RunData], measured: str) -> list[float]:
        """The last value of a number of every finished run that is meant, one per seed."""
        mine = [run for run in runs if run.result is not None and self.means(run)]
        found = {run.seed: [row[measured] for row in run.rows.values() if measured in row] for run in mine}
        return [values[-1] for _, values in sorted(found.items()) if values]

    def means(self, run: RunData) -> bool:
        """Whether a run is of the method with the choices."""
        return run.method == self.method and all(run.choices.get(name) == v for name, v in self.choices.items())


@dataclass(frozen=True)
class Decision:
    """What runs on one data set say of a claim; `setting` is what tells them from runs of a sweep, in words."""

    claim: Claim
    data: str
    setting: str
    answer: Answer
    evidence: str

    @property
    def where(self) -> str:
        """The data set and the setting."""
        return f"{self.data}, {self.setting}" if self.setting else self.data


@dataclass(frozen=True)
class Judge:
    """What decides a claim about some picks: the answer of runs of one setting, in a word and its numbers; None without them."""

    picks: tuple[Pick, ...]
    answer: Callable[[Sequence[RunData]], tuple[Answer, str] | None]


@dataclass(frozen=True)
class Claim:
    """A row: the figure it belongs to, what the paper says, where, and what decides it."""

    figure: str
    text: str
    source: str
    judge: Judge


def decide(runs: Sequence[RunData], figure: str | None = None) -> Iterator[Decision]:
    """Every claim (of a figure) for which there are runs, once per data set and setting."""
    for claim in CLAIMS:
        for data in dict.fromkeys(run.data for run in runs) if figure in {None, claim.figure} else ():
            here = [run for run in runs if run.data == data]
            of_picks = [[run for run in here if pick.means(run)] for pick in claim.judge.picks]
            for setting, alike in settings_apart(of_picks):
                found = claim.judge.answer(alike)
                if found is not None:
                    yield Decision(claim, data, setting, *found)


# ---------------------------------------------------------------- what decides


def side(found: Estimate, level: float, *, above: bool) -> Answer:
    """What an interval says of being above a level, or below it."""
    if found.low > level:
        return "holds" if above else "does not hold"
    if found.high < level:
        return "does not hold" if above else "holds"
    return "undecided"


def above(measured: str, pick: Pick, level: float) -> Judge:
    """That the mean over seeds lies above a level."""
    return _against(measured, pick, level, above=True)


def below(measured: str, pick: Pick, level: float) -> Judge:
    """That the mean over seeds lies below a level."""
    return _against(measured, pick, level, above=False)


def _against(measured: str, pick: Pick, level: float, *, above: bool) -> Judge:
    def answer(runs: Sequence[RunData]) -> tuple[Answer, str] | None:
        values = pick.of(runs, measured)
        if not values:
            return None
        found = estimate(values)
        words = (
            f"{said(measured)} of {pick.name}: {found.interval()}; claimed: {'above' if above else 'below'} {level:g}"
        )
        return side(found, level, above=above), words

    return Judge((pick,), answer)


def less(measured: str, left: Pick, right: Pick) -> Judge:
    """That the mean of one lies below that of another."""
    return _of_two(measured, left, right, lambda found: side(found, 0.0, above=False), "below 0")


def near(measured: str, left: Pick, right: Pick, margin: float = EQUAL) -> Judge:
    """That the means of two differ by less than a margin."""

    def within(found: Estimate) -> Answer:
        if max(-found.low, found.high) < margin:
            return "holds"
        return "does not hold" if min(found.high, -found.low) < -margin else "undecided"

    return _of_two(measured, left, right, within, f"within ±{margin:g}")


def no_worse(measured: str, left: Pick, right: Pick, margin: float = EQUAL) -> Judge:
    """That the mean of one lies above that of another, or below it by less than a margin."""
    return _of_two(measured, left, right, lambda found: side(found, -margin, above=True), f"above -{margin:g}")


def _of_two(measured: str, left: Pick, right: Pick, decided: Callable[[Estimate], Answer], claimed: str) -> Judge:
    """What is answered of the difference of two means, where there are runs of both; `claimed` says where it is to lie."""

    def answer(runs: Sequence[RunData]) -> tuple[Answer, str] | None:
        one, other = left.of(runs, measured), right.of(runs, measured)
        if not one or not other:
            return None
        found = difference(one, other)
        means = f"{estimate(one).mean:.3f} of {left.name}, {estimate(other).mean:.3f} of {right.name}"
        return decided(found), f"{said(measured)} {means}, difference {found.interval()}; claimed: {claimed}"

    return Judge((left, right), answer)


def said(measured: str) -> str:
    """The name of a number, in words."""
    return metric_title(measured.replace("batch/", ""))


# ---------------------------------------------------------------- the table

_SIMSIAM, _PENALTY = Pick("simsiam"), Pick("center_penalty", {"strength": 1}, "the center penalty")
_FREE = Pick("center_penalty", {"strength": 0}, "alignment alone")
_BARE, _FLOWING = Pick("simsiam_no_predictor"), Pick("simsiam_no_stopgrad")
_BARLOW = Pick("barlow", {"redundancy": 0.0051}, "Barlow Twins")
_DIAGONAL = Pick("barlow", {"redundancy": 0}, "Barlow Twins without decorrelation")
_SWAV, _FIXED = Pick("swav"), Pick("swav_fixed")
_TRIPLET, _TRIPLET_O, _TRIPLET_R = Pick("triplet_simple"), Pick("triplet_center"), Pick("triplet_residual")
_JHA, _ZHANG = "Jha et al. 2024", "Zhang et al. 2022"


def _byol(momentum: float) -> Pick:
    return Pick("byol", {"momentum": momentum}, f"momentum {momentum:g}")


CLAIMS = (
    Claim("figure3", "A penalty on the length of the center vector keeps it as short as SimSiam's, or shorter.",
          f"{_JHA}, fig. 3", less("center_norm", _PENALTY, _SIMSIAM)),
    Claim("figure3", "Its features are worth as much as SimSiam's.",
          f"{_JHA}, fig. 3", near("knn", _PENALTY, _SIMSIAM)),
    Claim("figure3", "Without the penalty the center takes all of the length.",
          f"{_JHA}, fig. 3", above("center_norm", _FREE, CONSTANT)),
    Claim("figure4", "SimSiam keeps its center short.", f"{_JHA}, fig. 4", below("center_norm", _SIMSIAM, CONSTANT)),
    Claim("figure4", "Without its predictor SimSiam collapses to the center.",
          f"{_JHA}, fig. 4; Chen and He 2021", above("center_norm", _BARE, CONSTANT)),
    Claim("figure4", "Without its stop-gradient SimSiam collapses to the center.",
          f"{_JHA}, fig. 4; Chen and He 2021", above("center_norm", _FLOWING, CONSTANT)),
    Claim("figure4", "The collapse costs accuracy: without predictor kNN is worse.",
          f"{_JHA}, fig. 4", less("knn", _BARE, _SIMSIAM)),
    Claim("figure4", "The collapse costs accuracy: without stop-gradient kNN is worse.",
          f"{_JHA}, fig. 4", less("knn", _FLOWING, _SIMSIAM)),
    Claim("figure5", "After the batch norm of the loss Barlow Twins has next to no center.",
          f"{_JHA}, fig. 5", below("batch/after_norm/center_norm", _BARLOW, SHORT)),
    Claim("figure5", "Before it there is one.", f"{_JHA}, fig. 5", above("batch/center_norm", _BARLOW, SHORT)),
    Claim("figure5", "Batch norm does this alone: without decorrelation the center after it is as short.",
          f"{_JHA}, fig. 5", below("batch/after_norm/center_norm", _DIAGONAL, SHORT)),
    Claim("figure5", "Without decorrelation there is no collapse to a constant.",
          f"{_JHA}, fig. 5", below("center_norm", _DIAGONAL, CONSTANT)),
    Claim("figure5", "Without decorrelation dimensions are lost.",
          f"{_JHA}, fig. 5", less("effective_rank", _DIAGONAL, _BARLOW)),
    Claim("byol_momentum", "A target that is the network itself at first (momentum 0, which rises to 1) collapses.",
          "Grill et al. 2020, table 5a", above("center_norm", _byol(0), CONSTANT)),
    Claim("byol_momentum", "A target that never moves (momentum 1) teaches less than one of momentum 0.99.",
          "Grill et al. 2020, table 5a", less("knn", _byol(1), _byol(0.99))),
    Claim("byol_momentum", "Between 0.9 and 0.999 the momentum matters little.",
          "Grill et al. 2020, table 5a", near("knn", _byol(0.9), _byol(0.999))),
    Claim("swav_fixed", "Prototypes that never train serve nearly as well.",
          "Caron et al. 2020, section 5", no_worse("knn", _FIXED, _SWAV)),
    Claim("swav_fixed", "With fixed prototypes nothing collapses.",
          f"{_JHA}, on SwAV", below("center_norm", _FIXED, CONSTANT)),
    Claim("zhang", "Without the extra gradient (no predictor) everything becomes center.",
          f"{_ZHANG}, table 1", above("center_norm", _BARE, CONSTANT)),
    Claim("zhang", "The center part of SimSiam's extra gradient alone avoids the collapse.",
          f"{_ZHANG}, table 3", below("center_norm", Pick("extra_center"), CONSTANT)),
    Claim("zhang", "The residual part alone avoids it, too.",
          f"{_ZHANG}, table 3", below("center_norm", Pick("extra_residual"), CONSTANT)),
    Claim("zhang", "A gradient along the center alone makes everything center.",
          f"{_ZHANG}, conjecture 1", above("center_norm", Pick("pull_center"), CONSTANT)),
    Claim("zhang", "A gradient along the residual alone makes the residual grow against the center.",
          f"{_ZHANG}, conjecture 1", less("center_norm", Pick("pull_residual"), Pick("pull_center"))),
    Claim("zhang", "Triplets that repel by the center of the negatives alone do no worse than whole ones.",
          f"{_ZHANG}, table 2", no_worse("knn", _TRIPLET_O, _TRIPLET)),
    Claim("zhang", "Triplets that repel by the residual alone collapse.",
          f"{_ZHANG}, table 2", above("center_norm", _TRIPLET_R, CONSTANT)),
)  # fmt: skip

FIGURES = {
    "figure3": ("The center penalty against SimSiam", ("center_norm", "knn")),
    "figure4": ("SimSiam, without its predictor, and without its stop-gradient", ("center_norm", "knn")),
    "figure5": ("Barlow Twins with and without decorrelation", ("batch/center_norm", "batch/after_norm/center_norm",
                                                                 "effective_rank")),
    "byol_momentum": ("BYOL by the momentum of its target", ("center_norm", "knn")),
    "swav_fixed": ("SwAV with trained and with fixed prototypes", ("center_norm", "knn")),
    "zhang": ("Center and residual of the gradient, apart", ("center_norm", "effective_rank")),
}  # fmt: skip
"""Title and what is drawn, by the name of the experiment."""

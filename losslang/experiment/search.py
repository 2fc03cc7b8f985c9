"""Sweeps whose combinations an optimiser chooses (Optuna): ask, train, tell; what was trained before is told at once."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from losslang.diagnostics import LosslangError
from losslang.experiment.document import Range, Search, Value
from losslang.experiment.expand import Cell
from losslang.experiment.read import Document

__all__ = ["search"]

Train = Callable[[Sequence[Cell]], Sequence[Sequence[Mapping[str, Any]]]]
"""Trains cells; gives the results of the seeds of each. Fewer cells where a signal ended it."""


def search(document: Document, chosen: Search, train: Train) -> list[str]:
    """Look for the best settings of every method on every data set. The same seed asks the same, so that it can be resumed.

    Gives what was best, a line each; of what a signal left undone, nothing.
    Raises LosslangError where Optuna is not installed, or the goal is nothing that is measured.
    """
    optuna = _optuna()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    experiment = document.experiment
    best: list[str] = []
    for label in experiment.methods:
        for data in experiment.data or (None,):
            study = optuna.create_study(direction=chosen.direction, sampler=optuna.samplers.TPESampler(seed=0))
            while len(study.trials) < chosen.trials:
                count = min(chosen.at_once, chosen.trials - len(study.trials))
                trials = [study.ask() for _ in range(count)]
                cells = [Cell(label, data, _choice(trial, experiment.sweep)) for trial in trials]
                found = train(cells)
                if len(found) < len(cells):
                    return best
                for trial, results in zip(trials, found, strict=True):
                    _tell(study, trial, results, document, optuna)
            best += _best(study, f"{label} on {data}" if data else label, chosen.goal, optuna)
    return best


def _best(study: Any, name: str, goal: str, optuna: Any) -> Iterator[str]:
    """The best trial in words, where any was trained to its end."""
    done = study.get_trials(states=[optuna.trial.TrialState.COMPLETE])
    if done:
        settings = ", ".join(
            f"{key} {value:g}" if isinstance(value, float) else f"{key} {value}"
            for key, value in study.best_params.items()
        )
        yield f"{name}: of {len(done)} trials the best by {goal} ({study.best_value:.4g}) has {settings}"


def _choice(trial: Any, sweep: Mapping[str, tuple[Value, ...] | Range]) -> dict[str, Value]:
    return {
        name: trial.suggest_float(name, values.start, values.end, log=values.scale == "log")
        if isinstance(values, Range)
        else trial.suggest_categorical(name, values)
        for name, values in sweep.items()
    }


def _tell(study: Any, trial: Any, results: Sequence[Mapping[str, Any]], document: Document, optuna: Any) -> None:
    """The mean of the goal over seeds; a choice of which a run failed is told as failed."""
    chosen = document.experiment.search
    assert chosen is not None
    seeds = document.experiment.seeds
    if len(results) < (len(seeds) if isinstance(seeds, tuple) else seeds):
        study.tell(trial, state=optuna.trial.TrialState.FAIL)
        return
    if not isinstance(results[0].get(chosen.goal), float):
        known = ", ".join(name for name, value in results[0].items() if isinstance(value, float))
        place = document.places.get(("search", "goal"), str(document.file))
        raise LosslangError(f"{place}: nothing called `{chosen.goal}` is measured; there are {known}")
    study.tell(trial, statistics.fmean(result[chosen.goal] for result in results))


def _optuna() -> Any:
    try:
        import optuna
    except ImportError as error:
        raise LosslangError(
            "`search` needs Optuna, which is not installed: pip install 'losslang[sweep]';"
            " without `search` every combination is run"
        ) from error
    return optuna

"""What is shown while a run trains: a live display on a terminal, sparse lines elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from losslang.training.plan import RunPlan
from losslang.training.run import Watcher

__all__ = ["alarm_line", "show_progress"]

_MEASURED = {"center_norm": "center norm", "knn": "kNN", "effective_rank": "effective rank"}


def alarm_line(alarm: Mapping[str, Any]) -> str:
    """What the collapse alarm said, on one line."""
    return f"collapse alarm at step {alarm['step']} ({alarm['kind']}): {alarm['seen']}; {alarm['missing']}"


@contextmanager
def show_progress(plans: Sequence[RunPlan], console: Console, *, quiet: bool = False) -> Iterator[list[Watcher]]:
    """Gives what is to be called with every record of each of the runs that train side by side, or of the one alone."""
    if quiet:
        yield [lambda _record: None] * len(plans)
    elif console.is_terminal:
        with Live(console=console, auto_refresh=False, transient=True) as live:
            yield _Displays(plans, live).watchers
    else:
        yield [_Lines(plan, console, named=len(plans) > 1).show for plan in plans]


class _Lines:
    """One line per measurement."""

    def __init__(self, plan: RunPlan, console: Console, *, named: bool = False) -> None:
        self.plan, self.console, self.name = plan, console, f"{plan.spec.method_name}: " if named else ""
        console.print(f"{plan.name}, seed {plan.recipe.seed}: {plan.steps} steps into {plan.folder}", soft_wrap=True)

    def show(self, record: dict[str, Any]) -> None:
        """Print a record if it holds a measurement, or an alarm."""
        if "center_norm" in record:
            self._show_measured(record)
        if "alarm" in record:
            line = alarm_line({"step": record["step"], **record["alarm"]})
            self.console.print(f"  {self.name}{line}", style="yellow", soft_wrap=True)

    def _show_measured(self, record: dict[str, Any]) -> None:
        loss = f"  loss {record['total']:.4f}" if "total" in record else ""
        measured = "  ".join(f"{words} {record[name]:.3f}" for name, words in _MEASURED.items())
        pace = f"  {_pace(self.plan, record)}" if self.plan.dataset.kind == "photos" and record["step"] else ""
        step = f"  {self.name}step {record['step']:>{len(str(self.plan.steps))}}"
        self.console.print(f"{step}{loss}  {measured}{pace}", soft_wrap=True)


class _Displays:
    """What is drawn of runs that train side by side, one below the other."""

    def __init__(self, plans: Sequence[RunPlan], live: Live) -> None:
        self.live, self.displays = live, [_Display(plan) for plan in plans]
        self.watchers: list[Watcher] = [partial(self._show, display) for display in self.displays]

    def _show(self, display: _Display, record: dict[str, Any]) -> None:
        """Draw a record over the run's last one; measurements stay until there are new ones."""
        display.seen |= record
        self.live.update(Group(*(each.drawn() for each in self.displays if each.seen)), refresh=True)


class _Display:
    """A bar, the terms of the loss, and the last measurement."""

    def __init__(self, plan: RunPlan) -> None:
        self.plan = plan
        self.seen: dict[str, Any] = {}

    def drawn(self) -> Group:
        """The last that was seen."""
        seen, steps = self.seen, self.plan.steps
        head = Table.grid(padding=(0, 2))
        speed = _pace(self.plan, seen)
        bar = ProgressBar(total=steps, completed=seen["step"], width=30)
        head.add_row(f"{self.plan.name}, seed {self.plan.recipe.seed}", bar, f"{seen['step']}/{steps}", speed)
        terms = {"loss": seen["total"], **seen["terms"]} if "total" in seen else {}
        rows = [_row(terms, ".4f"), _row({w: seen[n] for n, w in _MEASURED.items() if n in seen}, ".3f")]
        if "alarm" in seen:
            rows.append(Text(f"  {seen['alarm']['kind']} collapse: {seen['alarm']['seen']}", style="yellow"))
        return Group(head, *(row for row in rows if row.plain))


def _pace(plan: RunPlan, seen: Mapping[str, Any]) -> str:
    """Steps per second; of photos, what a GPU is paid for."""
    if plan.dataset.kind != "photos":
        return f"{seen.get('steps_per_second', 0):.0f} steps/s"
    waiting = f", {seen['waiting']:.0%} waiting for data" if seen.get("waiting", 0) >= 0.01 else ""
    memory = f", {seen['memory']:.1f} GB" if "memory" in seen else ""
    return f"{seen.get('images_per_second', 0):,.0f} images/s{waiting}{memory}"


def _row(values: dict[str, float], layout: str) -> Text:
    text = Text("  ")
    for name, value in values.items():
        text.append(f"{name} ", style="dim").append(f"{value:{layout}}   ", style="bold")
    return text if values else Text()

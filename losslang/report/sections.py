"""The sections of the page that are words, tables and formulas."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from losslang.analysis.difference.difference import Difference
from losslang.analysis.explain.formulas.statements import Statement
from losslang.analysis.explain.legend import legend_lines
from losslang.analysis.explain.notation.formula import Symbol
from losslang.analysis.explain.notation.latex import latex_block
from losslang.analysis.explain.notation.mathml import mathml, mathml_block
from losslang.analysis.explain.words import primitive_words
from losslang.evaluation.alarm import FEW_DIMENSIONS
from losslang.evaluation.verdict import CONSTANT, counted
from losslang.objective.spec import Spec
from losslang.report.claims import Decision
from losslang.report.html import Html, details, join, table, tag
from losslang.report.runs import Group, RunData
from losslang.report.statistics import estimate
from losslang.report.theory import Theory

__all__ = [
    "alarm_list",
    "claim_list",
    "difference_table",
    "failure_list",
    "method_article",
    "prose",
    "provenance",
    "runs_table",
]

_COLUMNS = (
    ("kNN", "knn"),
    ("linear probe", "linear_probe"),
    ("kNN of z", "embedding_knn"),
    ("center norm", "center_norm"),
    ("residual", "residual_rms"),
    ("effective rank", "effective_rank"),
    ("LiDAR", "lidar"),
)


def runs_table(groups: Sequence[Group]) -> Html:
    """One row per group: means and standard deviations over its finished seeds, and what became of them."""
    head = ["method", "seeds", *(title for title, _ in _COLUMNS), "collapse"]
    caption = "Results at the end of training, mean ± standard deviation over seeds"
    return join([table(caption, head, map(_row, groups), numbers=1), tag("p", _COLLAPSE)])


_COLLAPSE = (
    f"Collapse is judged at the end: constant is a center norm above {CONSTANT:g}, rank below half an effective rank below half"
    " of what there was to keep, that of the inputs or of the untrained embeddings. The alarm looks during training, and for"
    f" dimensions waits until less than {100 * FEW_DIMENSIONS:.0f} % of those beyond the first are left."
)


def _row(group: Group) -> list[str]:
    results = [run.result for run in group.runs if run.result is not None]
    cells = [
        group.label,
        f"{len(results)} of {len(group.runs)}" if len(results) < len(group.runs) else str(len(results)),
    ]
    for _, name in _COLUMNS:
        values = [float(result[name]) for result in results if name in result]
        cells.append(estimate(values).text(1 if name in {"effective_rank", "lidar"} else 3) if values else "–")
    kinds = [*(result["collapsed"] for result in results), *("failed" for run in group.runs if run.failure)]
    return [*cells, counted(kinds) or "running"]


def failure_list(groups: Sequence[Group]) -> Html:
    """Why runs have no result and will have none, one line each."""
    rows = [
        tag("li", prose(f"{group.label}, seed {run.seed}, failed: {run.failure}."))
        for group in groups
        for run in group.runs
        if run.failure
    ]
    return tag("ul", *rows, class_="alarms") if rows else Html()


def alarm_list(groups: Sequence[Group]) -> Html:
    """What the collapse alarm said, one line for runs of a group that say the same kind."""
    rows = [tag("li", prose(line)) for group in groups for line in _alarms(group)]
    if not rows:
        return tag("p", "The collapse alarm rang in none of these runs.")
    return join([tag("p", "The collapse alarm rang:"), tag("ul", *rows, class_="alarms")])


def _alarms(group: Group) -> Iterator[str]:
    rang: dict[str, list[tuple[RunData, int, dict[str, str]]]] = {}
    for run in group.runs:
        logged = [(int(record["step"]), record["alarm"]) for record in run.records if "alarm" in record]
        said = [(int(alarm["step"]), alarm) for alarm in (run.result or {}).get("alarms", [])]
        for step, alarm in said or logged:
            rang.setdefault(alarm["kind"], []).append((run, step, alarm))
    for kind, found in rang.items():
        steps = sorted(step for _, step, _ in found)
        when = f"step {steps[0]}" if steps[0] == steps[-1] else f"steps {steps[0]} to {steps[-1]}"
        alarm = found[0][2]
        count = f"{len(found)} of {len(group.runs)} seeds"
        yield f"{group.label}, {count}, {when}: {kind} collapse ({alarm['seen']}); {alarm['missing']}."


def claim_list(decisions: Sequence[Decision]) -> Html:
    """What the papers say of these methods, and what these runs say of that."""
    if not decisions:
        return Html()
    text = "Decided by intervals of 95 % over the seeds: undecided where an interval lies on both sides."
    of_claim: dict[str, list[Decision]] = {}
    for decision in decisions:
        of_claim.setdefault(decision.claim.text, []).append(decision)
    return join([tag("p", text), *(_claim(text, found) for text, found in of_claim.items())])


def _claim(text: str, found: Sequence[Decision]) -> Html:
    """A claim, and what the runs on each data set, at each setting, say of it."""
    rows = [
        tag(
            "li",
            tag("strong", d.answer.capitalize()),
            f" on {d.where}: ",
            prose(d.evidence),
            ".",
            class_=_LOOKS[d.answer],
        )
        for d in found
    ]
    return tag("div", tag("p", prose(text), f" ({found[0].claim.source})"), tag("ul", *rows), class_="claim")


_LOOKS = {"holds": "holds", "does not hold": "fails", "undecided": "open"}


# ---------------------------------------------------------------- mathematics


def method_article(theory: Theory) -> Html:
    """The mathematics of a method and the verdict on it."""
    explained, spec = theory.explanation, theory.explanation.spec
    parts: list[str] = [tag("h3", spec.method_name)]
    parts.append(tag("p", join([_introduction(spec), _paper(spec.paper)])))
    parts += [tag("p", prose(line), class_="verdict") for line in theory.verdict.lines()]
    parts += [
        tag("p", "Minimised is the sum of" if len(explained.terms) > 1 else "Minimised is"),
        _block(explained.terms),
    ]
    if explained.definitions:
        parts += [tag("p", "where"), _block(explained.definitions)]
    if explained.primitives:
        functions = [
            join([_block((p.statement, *p.bindings)), tag("p", " ".join(primitive_words(p)))])
            for p in explained.primitives
        ]
        parts.append(details("Functions", *functions))
    parts.append(details("Notation", *(tag("p", line) for line in legend_lines(explained))))
    rows = [(row.name, row.layers, row.training) for row in explained.networks]
    parts.append(details("Networks", table(f"Networks of {spec.method_name}", ["network", "layers", "weights"], rows)))
    if explained.parameters:
        parts.append(details("Parameters", _parameters(theory)))
    tex = latex_block([statement.equation for statement in (*explained.terms, *explained.definitions)])
    parts.append(details("LaTeX", tag("pre", tex)))
    return tag("article", *parts)


def _introduction(spec: Spec) -> str:
    """The title, and what the method extends."""
    parts = [spec.title, f"Extends {', '.join(spec.bases)}" if spec.bases else ""]
    return "".join(f"{part}. " for part in parts if part)


def _block(statements: Iterable[Statement]) -> Html:
    written = Html(mathml_block([statement.equation for statement in statements]))
    return tag("div", written, class_="scroll math", tabindex="0", role="group", aria_label="formula")


def _parameters(theory: Theory) -> Html:
    rows = [
        (row.name, Html(mathml(Symbol(row.symbol))) if row.symbol else "", row.value, row.place)
        for row in theory.explanation.parameters
    ]
    name = theory.explanation.spec.method_name
    return table(f"Parameters of {name}", ["parameter", "letter", "value", "set in"], rows)


def _paper(paper: str) -> Html:
    """The paper in words; the page leads nowhere, as it must be whole without a network."""
    return tag("cite", paper) if paper else Html()


def difference_table(found: Difference) -> Html:
    """What two methods differ in."""
    rows = [(row.role, row.left or "–", row.right or "–", _note(row.note, row.kind)) for row in found.changed]
    equal = len(found.rows) - len(found.changed)
    caption = f"{found.left} → {found.right}: {found.answer}; {equal} more entries are equal"
    body = table(caption, ["role", found.left, found.right, "difference"], rows) if rows else tag("p", caption)
    return join([body, tag("p", found.sentence)])


def _note(note: str, kind: str) -> str:
    return ", ".join(filter(None, [note, "stability" if kind == "stability" else ""]))


def prose(text: str) -> Html:
    """A sentence of a message: what stands in backticks is code."""
    return join(tag("code", part) if at % 2 else part for at, part in enumerate(text.split("`")))


# ---------------------------------------------------------------- provenance


def provenance(groups: Sequence[Group], read: Callable[[RunData, str], str]) -> Html:
    """What differs between the groups, then of each group every setting, every run, the method's text and its torch code.

    `read` gives the text of a file of a run.
    """
    names = dict.fromkeys(name for group in groups for name in group.first.choices)
    different = [n for n in names if len({str(group.first.choices.get(n, "–")) for group in groups}) > 1]
    rows = [(n, *(_plain(group.first.choices.get(n, "–")) for group in groups)) for n in different]
    head = ["setting", *(group.label for group in groups)]
    parts = [table("Settings that differ", head, rows)] if rows else []
    return join([*parts, *(details(group.label, *_of_group(group, read)) for group in groups)])


def _of_group(group: Group, read: Callable[[RunData, str], str]) -> Iterator[Html]:
    first, where = group.first, group.first.environment
    yield table(f"Runs of {group.label}", ["seed", "steps", "seconds", "folder", "code"], map(_run_row, group.runs))
    recorded = {**first.settings.get("parameters", {}), **first.settings["settings"]}
    rows = [(name, _plain(row["value"]), str(row["set by"])) for name, row in recorded.items()]
    yield table(f"Settings of {group.label}", ["setting", "value", "set by"], rows)
    packages = [(f"package {name}", str(version)) for name, version in where.get("packages", {}).items()]
    known = [(key, _plain(value)) for key, value in where.items() if key != "packages"]
    yield table(f"Environment of {group.label}", ["what", "value"], [*known, *packages])
    yield details("Method file", tag("pre", read(first, first.method_file.name)))
    yield details("Emitted Python", tag("pre", read(first, "emitted.py")))


def _run_row(run: RunData) -> list[str]:
    done = run.result or {}
    seconds = f"{done['seconds']:.1f}" if "seconds" in done else "–"
    last = max(run.rows, default=0)
    steps = str(done["steps"]) if done else f"{last} of {run.settings['steps']}"
    code = str(run.environment.get("git") or run.environment.get("losslang", "–"))
    return [str(run.seed), steps, seconds, str(run.folder), code[:12]]


def _plain(value: object) -> str:
    if isinstance(value, list | tuple):
        return " ".join(str(item) for item in value)
    return "–" if value is None else str(value)

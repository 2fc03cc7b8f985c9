"""Two methods beside each other, by role: what differs, and whether the stability mechanism does."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

from losslang.analysis.mechanisms import find_mechanisms, predictors_of
from losslang.analysis.relation import Relation, Samples, relate, samples
from losslang.objective.networks import Network, Norm
from losslang.objective.schedules import Schedule
from losslang.objective.spec import Spec

__all__ = ["Difference", "Row", "compare"]


@dataclass(frozen=True)
class Row:
    """One line: the role, both sides in words (empty where one lacks it), and what the difference is.

    `kind` is `mathematics`, `stability`, `architecture`, `name` or `recipe`; `equal` rows are counted, not shown.
    """

    role: str
    left: str
    right: str
    note: str = ""
    kind: str = "mathematics"
    equal: bool = False


@dataclass(frozen=True)
class Difference:
    """Everything that two methods differ in. True where they differ; `rows` holds equal entries too."""

    left: str
    right: str
    rows: tuple[Row, ...]

    @property
    def changed(self) -> tuple[Row, ...]:
        """The rows that differ."""
        return tuple(row for row in self.rows if not row.equal)

    @property
    def answer(self) -> str:
        """`same mathematics`, `recipe only` or `different mathematics`."""
        kinds = {row.kind for row in self.changed}
        if not kinds:
            return "same mathematics"
        if kinds <= {"name"}:
            return "same mathematics"
        if kinds <= {"name", "recipe"}:
            return "recipe only"
        return "different mathematics"

    @property
    def sentence(self) -> str:
        """What it means for stability."""
        marked = [row.role for row in self.changed if row.kind == "stability"]
        if not self.changed:
            return "No difference."
        if not marked:
            return "The stability mechanisms are the same."
        many = len(marked) > 1
        return f"{len(marked)} stability mechanism{'s differ' if many else ' differs'}: {', '.join(marked)}."

    def __bool__(self) -> bool:
        return self.answer == "different mathematics"

    def __str__(self) -> str:
        return self.text()

    def text(self, *, full: bool = False) -> str:
        """A table for a terminal."""
        rows = self.rows if full else self.changed
        table = [("role", self.left, self.right, "")]
        table += [(row.role, row.left or "-", row.right or "-", _mark(row)) for row in rows]
        lines = [f"{self.left} -> {self.right}   {self.answer}"]
        if rows:
            lines += ["", *_columns(table)]
        hidden = len(self.rows) - len(rows)
        if hidden:
            lines.append(f"= {hidden} more {'entry' if hidden == 1 else 'entries'} equal (--full)")
        return "\n".join([*lines, "", self.sentence])

    def json(self) -> str:
        """The same as JSON."""
        fields = {"left": self.left, "right": self.right, "answer": self.answer, "sentence": self.sentence}
        return json.dumps({**fields, "rows": [asdict(row) for row in self.rows]}, indent=2, ensure_ascii=False)

    def _repr_html_(self) -> str:
        from html import escape

        cells = "".join(
            f"<tr><td>{escape(r.role)}</td><td>{escape(r.left)}</td><td>{escape(r.right)}</td><td>{escape(_mark(r))}</td></tr>"
            for r in self.changed
        )
        head = f"<tr><th>role</th><th>{escape(self.left)}</th><th>{escape(self.right)}</th><th></th></tr>"
        return f"<p>{escape(self.answer)}</p><table>{head}{cells}</table><p>{escape(self.sentence)}</p>"


def _mark(row: Row) -> str:
    parts = [row.note, "STABILITY" if row.kind == "stability" else "", "equal" if row.equal else ""]
    return "  ".join(part for part in parts if part)


def _columns(table: Sequence[tuple[str, ...]], limit: int = 46) -> list[str]:
    """Rows under each other; long cells go on below."""
    cells = [[_wrapped(cell, limit) for cell in row] for row in table]
    widths = [max(len(line) for row in cells for line in row[i]) for i in range(len(table[0]))]
    lines = []
    for row in cells:
        for at in range(max(len(cell) for cell in row)):
            parts = [cell[at] if at < len(cell) else "" for cell in row]
            lines.append("  ".join(part.ljust(width) for part, width in zip(parts, widths, strict=True)).rstrip())
    return lines


def _wrapped(text: str, limit: int) -> list[str]:
    lines, current = [], ""
    for word in text.split():
        if current and len(current) + 1 + len(word) > limit:
            lines.append(current)
            current = word
        else:
            current = f"{current} {word}".strip()
    return [*lines, current]


# ---------------------------------------------------------------- comparing


def compare(left: Spec, right: Spec, small_left: Spec, small_right: Spec) -> Difference:
    """The difference of two methods; the small ones are the same methods with small sizes, for numbers."""
    rows = [
        *_terms(left, right, samples(small_left), samples(small_right)),
        *_mechanisms(left, right),
        *_networks(left, right),
        *_views(left, right),
        *_states(left, right),
        *_recipes(left, right),
    ]
    return Difference(left.method_name, right.method_name, tuple(rows))


def _terms(left: Spec, right: Spec, ours: Samples, theirs: Samples) -> Iterator[Row]:
    """Terms by name, then by proportional values, then by what is left on both sides."""
    texts = [{t.name: _one_line(t.span.text) for t in spec.graph.terms} for spec in (left, right)]
    rest = list(texts[1])
    for name, text in texts[0].items():
        partner, relation = _partner(name, rest, ours, theirs)
        if partner is None:
            yield Row(name, text, "", "removed")
            continue
        rest.remove(partner)
        renamed = "" if partner == name else f"renamed to {partner}"
        if relation is not None and relation.identity:
            yield Row(name, text, texts[1][partner], renamed, "name", equal=not renamed)
        else:
            yield Row(name, text, texts[1][partner], "; ".join(filter(None, [renamed, _related(relation)])))
    for name in rest:
        yield Row(name, "", texts[1][name], "added")


def _partner(name: str, rest: list[str], ours: Samples, theirs: Samples) -> tuple[str | None, Relation | None]:
    def relation(other: str) -> Relation | None:
        values, pulls = (ours.values[name], theirs.values[other]), (ours.forces[name], theirs.forces[other])
        return relate(*values, *pulls)

    if name in rest:
        return name, relation(name)
    for other in rest:
        found = relation(other)
        if found is not None and other not in ours.values:
            return other, found
    return None, None


def _related(relation: Relation | None) -> str:
    if relation is None:
        return "another function"
    parts = [f"scale x{relation.scale:g}"] if relation.scale != 1 else []
    parts += [f"offset {relation.offset:+g}"] if relation.offset else []
    parts += [] if relation.gradients_agree else ["gradients differ"]
    return ", ".join(parts)


def _one_line(text: str) -> str:
    return " ".join(text.split())


_ROWS_OF_THEIR_OWN = {"stop-gradient", "EMA target", "predictor", "output norm"}
"""Mechanisms that other rows show: the target, the network on one side, the layers of a network."""


def _mechanisms(left: Spec, right: Spec) -> Iterator[Row]:
    """What keeps the center short and the dimensions in use, in each."""
    sides = [{f.mechanism.name: f.detail for f in find_mechanisms(spec)} for spec in (left, right)]
    yield from _target(left, right, sides)
    for name in dict.fromkeys([*sides[0], *sides[1]]):
        if name not in _ROWS_OF_THEIR_OWN:
            texts = [side.get(name, "") for side in sides]
            yield Row(name, texts[0], texts[1], "", "stability", equal=all(name in side for side in sides))


def _target(left: Spec, right: Spec, sides: list[dict[str, str]]) -> Iterator[Row]:
    """The branch that the other is compared with: free, stopped, or an average that follows."""
    texts = [_branch(spec, side) for spec, side in zip((left, right), sides, strict=True)]
    if any(texts):
        kind = "stability" if len({text.partition(",")[0] for text in texts}) > 1 else "architecture"
        shown = [text or "gradient flows into both" for text in texts]
        yield Row("target", shown[0], shown[1], "", kind, equal=texts[0] == texts[1])


def _branch(spec: Spec, side: dict[str, str]) -> str:
    if "EMA target" in side:
        momenta = [n.momentum for n in spec.networks.values() if n.kind == "ema" and n.momentum is not None]
        return f"EMA of the online network, momentum {', '.join(_scalar(m) for m in momenta)}"
    return f"stop-gradient {side['stop-gradient']}" if "stop-gradient" in side else ""


def _networks(left: Spec, right: Spec) -> Iterator[Row]:
    heads = [set(predictors_of(spec)) for spec in (left, right)]
    for name in dict.fromkeys([*left.networks, *right.networks]):
        ours, theirs = left.networks.get(name), right.networks.get(name)
        if "ema" in {n.kind for n in (ours, theirs) if n is not None}:
            continue  # the row of the target shows it
        texts = [describe(n) if n else "" for n in (ours, theirs)]
        note = "" if ours and theirs else "removed" if ours else "added"
        if ours and theirs and ours.kind == theirs.kind == "mlp":
            note = _what_of_mlp(ours, theirs)
        lost = (name in heads[0]) != (name in heads[1])
        kind = "stability" if lost else "architecture"
        yield Row(name, texts[0], texts[1], note, kind, equal=ours == theirs and not lost)


def _what_of_mlp(ours: Network, theirs: Network) -> str:
    parts = []
    if len(ours.widths) != len(theirs.widths):
        parts.append("layers")
    elif ours.widths != theirs.widths:
        parts.append("size")
    if (ours.norm, ours.last_norm) != (theirs.norm, theirs.last_norm):
        parts.append("normalisation")
    if (ours.bias, ours.last_bias) != (theirs.bias, theirs.last_bias):
        parts.append("bias")
    return ", ".join(parts)


def describe(network: Network) -> str:
    """A network in a few words."""
    if network.kind == "reference":
        return network.name
    inner = ", ".join(describe(part) for part in network.parts)
    sizes = " -> ".join(map(str, network.widths))
    words = [f"{network.kind}({inner})" if inner else f"{network.kind} {sizes}".strip()]
    words += [f"{_norm(network.norm)}"] if network.norm.kind != "none" else []
    words += [f"{_norm(network.last_norm)} at the output"] if network.last_norm.kind != "none" else []
    words += ["no bias"] if network.widths and not network.bias else []
    if network.momentum is not None:
        words.append(f"momentum {_scalar(network.momentum)}")
    return ", ".join(words)


def _norm(norm: Norm) -> str:
    return norm.kind + ("" if norm.affine else " without scale and shift") + ("" if norm.beta else " without shift")


def _scalar(value: float | Schedule) -> str:
    return f"{value.start:g} -> {value.end:g}" if isinstance(value, Schedule) else f"{value:g}"


def _views(left: Spec, right: Spec) -> Iterator[Row]:
    sides = [{name: len(group) for name, group in spec.view_groups.items()} for spec in (left, right)]
    texts = [", ".join(f"{name} x{count}" if count > 1 else name for name, count in side.items()) for side in sides]
    yield Row("views", texts[0], texts[1], "", "mathematics", equal=list(sides[0].values()) == list(sides[1].values()))
    modes = [", ".join(f"{n} {m}" for n, m in s.forward.items() if m == "joint") or "separate" for s in (left, right)]
    shared = set(left.forward) & set(right.forward)
    same = all(left.forward[name] == right.forward[name] for name in shared)
    yield Row("batch norm sees", modes[0], modes[1], "", "architecture", equal=same)


def _states(left: Spec, right: Spec) -> Iterator[Row]:
    sides = [{state.name: state.node for state in spec.graph.states} for spec in (left, right)]
    for name in dict.fromkeys([*sides[0], *sides[1]]):
        texts = [f"{side[name].op} {side[name].type}" if name in side else "" for side in sides]
        yield Row(name, texts[0], texts[1], "", "mathematics", equal=texts[0] == texts[1])


def _recipes(left: Spec, right: Spec) -> Iterator[Row]:
    for recipe in dict.fromkeys([*left.recipes, *right.recipes]):
        sides = [spec.recipes.get(recipe, {}) for spec in (left, right)]
        texts = [", ".join(f"{key} {value}" for key, value in side.items()) for side in sides]
        yield Row(f"recipe {recipe}", texts[0], texts[1], "", "recipe", equal=sides[0] == sides[1])

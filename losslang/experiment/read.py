"""Experiment files: YAML to a checked document, with the place of everything in it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from losslang.diagnostics import LosslangError, Report, Source, SpecError
from losslang.experiment.document import Experiment, Range, Search, Variant
from losslang.shipped import shipped_experiments
from losslang.syntax.names import nearest
from losslang.syntax.read import sound_text
from losslang.syntax.yaml_nodes import mapping_of, setting_of
from losslang.syntax.yaml_text import Mapping, Pair, Refused, Scalar, Sequence, read_nodes
from losslang.training.settings import Setting, flat_settings, words_of

__all__ = ["Document", "one_of", "read_experiment"]

Path_ = tuple[str, ...]


@dataclass(frozen=True)
class Document:
    """An experiment and the file it is from; `places` says where each entry stands (`examples/figure4.yaml:7`).

    `wrong` is what is wrong with the file, where the rest of it could be read: `plan_cells` raises it, with what else it finds.
    """

    experiment: Experiment
    file: Path
    places: dict[Path_, str]
    wrong: tuple[LosslangError, ...] = ()

    def settings(self, *section: str) -> dict[str, Setting]:
        """The entries of a section such as `set`, as settings."""
        values: Any = self.experiment.model_dump()
        for name in section:
            values = values[name]
        return {path: Setting(value, self.places[*section, path]) for path, value in values.items()}


def read_experiment(file: Path) -> Document:
    """The experiment in a file. Raises SpecError where it is no YAML, LosslangError where too little can be read."""
    if file.suffix == ".loss":
        raise LosslangError(
            f"{file} is a method; an experiment is a YAML file that names methods, such as {_such_as()}"
        )
    file = _found(file)
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise LosslangError(f"the experiment {file} cannot be read: {reason}") from error
    source, report = Source(str(file), text), Report()
    sound = sound_text(source, report)
    root = None if sound is None else read_nodes(sound, report).root
    report.raise_errors()
    if not isinstance(root, Mapping):
        raise LosslangError(f"{file} is not an experiment: it is no mapping of entries to values")
    found = list(_entries(root.pairs, report))
    places = {path: place for path, place, _ in found}
    return _checked(_tree(found), places, file, report)


def _found(file: Path) -> Path:
    """The file, or the experiment of that name that ships. Raises LosslangError where there is neither."""
    shipped = shipped_experiments()
    if file.exists():
        return file
    if str(file) in shipped:
        return shipped[str(file)]
    near = file.stem if file.stem in shipped else nearest(file.stem, shipped)
    hint = f"did you mean `{near}`, which ships?" if near else f"those that ship are {', '.join(shipped)}"
    raise LosslangError(f"there is no experiment `{file}`; {hint}")


def _such_as() -> str:
    return str(shipped_experiments()["figure4"])


# ---------------------------------------------------------------- reading

Entry = tuple[Path_, str, Any]
"""Path, place and value; a section has no value of its own."""


def _entries(pairs: tuple[Pair, ...], report: Report) -> Iterator[Entry]:
    for pair in pairs:
        path = (pair.key.text,)
        if pair.key.text == "methods":
            yield from _methods(pair, report)
        elif pair.key.text == "set":
            yield from _settings(pair, path, report)
        elif pair.key.text == "sweep":
            yield _section(pair, path)
            for inner in mapping_of(pair, "a mapping of settings to lists or ranges", report):
                yield from _swept(inner, path, report)
        elif isinstance(pair.value, Mapping):
            yield _section(pair, path)
            for inner in mapping_of(pair, "a mapping", report):
                yield from _value(inner, path, report)
        else:
            yield from _value(pair, (), report)


def _methods(pair: Pair, report: Report) -> Iterator[Entry]:
    """A list of methods; or a mapping of names to methods, or to `method` and `set`."""
    path = (pair.key.text,)
    yield _section(pair, path)
    if isinstance(pair.value, Sequence):
        yield from _listed(pair.value, path, report)
        return
    for inner in mapping_of(pair, "a list of methods, or a mapping of names to methods", report):
        own = (*path, inner.key.text)
        if isinstance(inner.value, Scalar):
            yield from _section_of(own, _place(inner.key), {"method": inner.value.text})
            continue
        yield _section(inner, own)
        for entry in mapping_of(inner, "a method, or `method` and `set`", report):
            yield from (
                _settings(entry, (*own, "set"), report) if entry.key.text == "set" else _value(entry, own, report)
            )


def _listed(methods: Sequence, path: Path_, report: Report) -> Iterator[Entry]:
    named: set[str] = set()
    for item in methods.items:
        if isinstance(item, Refused):
            continue
        name = Path(item.text).stem if isinstance(item, Scalar) else ""
        if not isinstance(item, Scalar) or not name:
            message = "a list of methods holds names or files alone"
            report.add(
                "E512", message, item.span, help="with settings of its own: `methods: {name: {method: …, set: {…}}}`"
            )
        elif name in named:
            help_ = "names of your own tell them apart: `methods: {one: …, two: …}`"
            report.add("E134", f"the method `{name}` is given twice", item.span, help=help_)
        else:
            named.add(name)
            yield from _section_of((*path, name), _place(item), {"method": item.text})


def _section_of(path: Path_, place: str, values: dict[str, Any]) -> Iterator[Entry]:
    yield path, place, {}
    for name, value in values.items():
        yield (*path, name), place, value


def _settings(pair: Pair, path: Path_, report: Report) -> Iterator[Entry]:
    yield _section(pair, path)
    for name, setting in flat_settings(mapping_of(pair, "a mapping of settings", report), "", report):
        yield (*path, name), setting.source, setting.value


def _swept(pair: Pair, path: Path_, report: Report, prefix: str = "") -> Iterator[Entry]:
    own = (*path, prefix + pair.key.text)
    if not isinstance(pair.value, Mapping):
        value = setting_of(pair, report) if not isinstance(pair.value, Refused) else None
        yield own, _place(pair.key), value if isinstance(value, tuple) else (value,)
    elif {inner.key.text for inner in pair.value.pairs} & {"from", "to", *Range.model_fields}:
        yield _section(pair, own)
        for inner in mapping_of(pair, "a range", report):
            yield from _value(inner, own, report)
    else:
        for inner in mapping_of(pair, "a mapping of settings to lists or ranges", report):
            yield from _swept(inner, path, report, f"{prefix}{pair.key.text}.")


def _value(pair: Pair, path: Path_, report: Report) -> Iterator[Entry]:
    if not isinstance(pair.value, Refused):
        value = setting_of(pair, report)
        if value is not None:
            one_of_many = pair.key.text in _LISTS and not isinstance(value, tuple)
            yield (*path, pair.key.text), _place(pair.key), (value,) if one_of_many else value


_LISTS = {"data", "plot"}
"""Entries that are lists, where one value may stand without brackets."""


def _section(pair: Pair, path: Path_) -> Entry:
    return path, _place(pair.key), {}


def _place(node: Scalar) -> str:
    return f"{node.span.source.name}:{node.span.line}"


def _tree(entries: list[Entry]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for path, _, value in entries:
        section = tree
        for name in path[:-1]:
            section = section.setdefault(name, {})
        section.setdefault(path[-1], value)
    return tree


# ---------------------------------------------------------------- checking


def _checked(tree: dict[str, Any], places: dict[Path_, str], file: Path, report: Report) -> Document:
    """The document; what is wrong is left out of it, so that the rest can be looked at, too."""
    wrong: list[LosslangError] = [SpecError(report.sorted())] if report.has_errors else []
    found = _problems(tree)
    lines = dict.fromkeys(_wrong(problem, places, file) for problem in found if not _follows(problem, report))
    wrong += [LosslangError("\n".join(lines))] if lines else []
    for problem in found:
        _drop(tree, _known(problem, places))
    if wrong:
        tree.setdefault("experiment", "unnamed")
    if _problems(tree):
        raise one_of(wrong)
    return Document(Experiment.model_validate(tree), file, places, tuple(wrong))


def _problems(tree: dict[str, Any]) -> list[Any]:
    try:
        Experiment.model_validate(tree)
    except ValidationError as error:
        return [problem for problem in error.errors() if not _of_other_kind(problem)]
    return []


def _of_other_kind(problem: Any) -> bool:
    """Whether a problem is only that a value is not of the other kind that may stand there; what is wrong within it is said."""
    section, kind = problem["loc"][0], problem["type"]
    if section == "seeds":
        return bool(kind == ("int_type" if isinstance(problem["input"], tuple) else "tuple_type"))
    return section == "sweep" and kind in {"tuple_type", "model_type"}


def _follows(problem: Any, report: Report) -> bool:
    """Whether something may be missing only since it could not be read, which is said already."""
    return report.has_errors and problem["type"] in {"missing", "too_short"}


def _drop(tree: dict[str, Any], path: Path_) -> None:
    *above, last = path or ("",)
    for name in above:
        tree = tree.get(name, {})
    tree.pop(last, None)


def _known(problem: Any, places: dict[Path_, str]) -> Path_:
    """The innermost entry of the file that a problem is about."""
    parts = tuple(str(part) for part in problem["loc"])
    return next((parts[:end] for end in range(len(parts), 0, -1) if parts[:end] in places), ())


def one_of(errors: Iterable[LosslangError]) -> LosslangError:
    """Errors as one, each message once: a line, or a diagnostic with its lines."""
    found = list({str(error): error for error in errors}.values())
    if len(found) == 1:
        return found[0]
    parts = [[str(error)] if isinstance(error, SpecError) else str(error).split("\n") for error in found]
    return LosslangError("\n".join(dict.fromkeys(part.rstrip() for each in parts for part in each)))


_SECTIONS: dict[str, type[BaseModel]] = {"methods": Variant, "sweep": Range, "search": Search}
"""What stands in the sections that have entries of fixed names."""


def _wrong(problem: Any, places: dict[Path_, str], file: Path) -> str:
    parts, path = tuple(str(part) for part in problem["loc"]), _known(problem, places)
    place, name = places.get(path, str(file)), path[-1] if path else "the experiment"
    if problem["type"] == "missing":
        return f"{place}: `{parts[-1]}` is missing; losslang schema experiment shows what there is"
    if problem["type"] == "string_pattern_mismatch":
        return f"{place}: `{name}` must be a letter, then letters, digits, _ and -"
    if problem["type"] == "extra_forbidden":
        fields = (
            _SECTIONS.get(parts[0], Experiment).model_fields.items() if parts[1:] else Experiment.model_fields.items()
        )
        known = [field.alias or name for name, field in fields]
        close = nearest(parts[-1], known)
        hint = f"did you mean `{close}`?" if close else f"there are {', '.join(known)}"
        return f"{place}: there is no entry `{parts[-1]}`; {hint}"
    return f"{place}: `{name}` {words_of(problem['type'], problem['msg'])}"

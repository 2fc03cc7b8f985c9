"""`losslang explain`: a code, or a method as text, page, JSON or graph; and the pages of all methods."""

from __future__ import annotations

import re
from argparse import Namespace
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from losslang.diagnostics import LosslangError, Report

if TYPE_CHECKING:
    from losslang.analysis.explain import Explanation
    from losslang.analysis.explain.stability import Stability
    from losslang.objective.spec import Spec
    from losslang.pipeline import Settings

__all__ = ["cost", "explained", "explanation_of", "pages", "write_pages"]

_CODE = re.compile(r"[A-Z]\d{3,}", re.IGNORECASE)


def explained(options: Namespace) -> str:
    """What the options ask for, as text. Raises SpecError, and LosslangError for a code that does not exist."""
    if _CODE.fullmatch(options.what) and not Path(options.what).exists():
        from losslang.diagnostics.codes import explain_code

        return explain_code(options.what)
    if options.cost:
        return cost(options)
    explanation = explanation_of(options.what, options.set)
    if options.graph:
        from losslang.analysis.explain.charts import chart_text

        return chart_text(explanation, options.graph)
    return _FORMS["latex" if options.latex else options.format](explanation, stability_facts(explanation.spec))


def cost(options: Namespace) -> str:
    """What a step of a method's loss costs. Raises SpecError, and LosslangError for a size below 1."""
    from losslang.algebra.cost import Sizes, cost_text
    from losslang.pipeline import load

    for name in ("batch", "dimension", "world"):
        value = getattr(options, name)
        if value is not None and value < 1:
            raise LosslangError(f"--{name} is a number from 1 on, not {value}")
    sizes = Sizes(options.batch, options.world, options.dimension)
    return cost_text(load(options.what, parameters=options.set), sizes)


def explanation_of(path: str | Path, parameters: Settings | None = None) -> Explanation:
    """The explanation of a method file, or of a method that ships. Raises SpecError."""
    from losslang import pipeline
    from losslang.analysis.explain import explain
    from losslang.objective.resolve import resolve
    from losslang.syntax.read import read_method

    spec = pipeline.load(path, parameters=parameters)
    report = Report()
    method = read_method(spec.source, report)
    assert method is not None
    resolved = resolve(method, pipeline.find_base, report)
    assert resolved is not None
    return explain(spec, resolved)


def stability_facts(spec: Spec) -> Stability:
    """The verdict, the mechanisms and the forces."""
    from losslang.pipeline import reading

    return reading(spec)


# ---------------------------------------------------------------- forms


def _text(explanation: Explanation, stability: Stability) -> str:
    from losslang.analysis.explain.text import explanation_text

    return explanation_text(explanation, stability=stability)


def _latex(explanation: Explanation, stability: Stability) -> str:
    from losslang.analysis.explain.text import explanation_text

    return explanation_text(explanation, stability=stability, tex=True)


def _markdown(explanation: Explanation, stability: Stability) -> str:
    from losslang.analysis.explain.page import method_page

    return method_page(explanation, stability=stability)


def _json(explanation: Explanation, stability: Stability) -> str:
    from losslang.analysis.explain.data import explanation_json

    return explanation_json(explanation, stability=stability)


_FORMS: dict[str, Callable[[Explanation, Stability], str]] = {
    "text": _text,
    "latex": _latex,
    "markdown": _markdown,
    "json": _json,
}


# ---------------------------------------------------------------- pages


def pages() -> dict[str, str]:
    """The reference page of every method that ships, and their index, by file name."""
    from losslang.analysis.explain.page import index_page, method_page
    from losslang.shipped import shipped_specs

    explanations = {name: explanation_of(path) for name, path in shipped_specs().items()}
    texts = {f"{name}.md": method_page(e, stability=stability_facts(e.spec)) for name, e in explanations.items()}
    return {**texts, "README.md": index_page(explanations)}


def write_pages(folder: Path, texts: Mapping[str, str]) -> str:
    """Write pages into a folder; what was done, in words. Pages of methods that are gone are removed."""
    from losslang.commands.files import write

    folder.mkdir(parents=True, exist_ok=True)
    changed = [name for name, text in texts.items() if _read(folder / name) != text]
    for name in changed:
        write(folder / name, texts[name])
    gone = [path for path in sorted(folder.glob("*.md")) if path.name not in texts and _is_ours(path)]
    for path in gone:
        path.unlink()
    return f"{folder}: {len(texts)} pages, {len(changed)} written, {len(gone)} removed\n"


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


def _is_ours(path: Path) -> bool:
    """Whether a page was written by this command."""
    return path.read_text(encoding="utf-8").startswith("<!-- Written by `losslang explain")

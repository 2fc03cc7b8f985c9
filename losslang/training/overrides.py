"""What is wrong under `recipes:` of a method file, before any run: each setting with its place in the file. Torch-free."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from losslang.diagnostics import Diagnostic, LosslangError, Report, Span
from losslang.objective.resolve import Resolved
from losslang.objective.spec import Spec
from losslang.pipeline import reread
from losslang.shipped import shipped_recipes, shipped_specs
from losslang.syntax.names import nearest

if TYPE_CHECKING:
    from losslang.training.plan import RunPlan

__all__ = ["override_mistakes", "unused_recipes"]


def override_mistakes(spec: Spec) -> tuple[Diagnostic, ...]:
    """Every setting that a method gives a recipe and that cannot be, and recipes that there are not, by place.

    Methods that ship have none, as tests show.
    """
    report = Report()
    if spec.recipes:
        resolved = reread(spec)
        _wrong_settings(spec, resolved, report)
        _unknown_recipes(resolved, report)
    return report.sorted()


def unused_recipes(plans: Sequence[RunPlan]) -> list[str]:
    """What is said before runs of names under `recipes:` that are no recipe, and not that of the runs: a line each."""
    report, used = Report(), {plan.recipe_name for plan in plans}
    for spec in {plan.spec.source.name: plan.spec for plan in plans if plan.spec.recipes}.values():
        _unknown_recipes(reread(spec), report)
    unused = [found for found in report.sorted() if found.span.text not in used]
    return [f"{found.span.source.name}:{found.span.line}: {found.message}; {found.help}" for found in unused]


def _wrong_settings(spec: Spec, resolved: Resolved, report: Report) -> None:
    for recipe, settings in resolved.recipes.items():
        for path, override in settings.items():
            if not _ships(override.span):
                found = _mistake(spec, recipe, ".".join(path), override.value)
                if found:
                    report.add("E601", found, override.span)


def _unknown_recipes(resolved: Resolved, report: Report) -> None:
    known = shipped_recipes()
    allowed = {file for file, code in resolved.answered if code == "W601"}
    for name, span in resolved.recipe_names.items():
        if name in known or span.source.name in allowed or _is_file(name, span):
            continue
        close = nearest(name, known)
        others = f"there are {', '.join(known)}, and files such as {name}.yaml beside the method"
        hint = f"did you mean `{close}`?" if close else others
        report.add("W601", f"there is no recipe `{name}`, so this is never used", span, help=hint)


def _is_file(name: str, span: Span) -> bool:
    """Whether a recipe is a file beside the method, or in the working folder."""
    folders = (Path(span.source.name).parent, Path())
    return any((folder / f"{name}{suffix}").is_file() for folder in folders for suffix in (".yaml", ".yml"))


def _ships(span: Span) -> bool:
    return Path(span.source.name).resolve() in {path.resolve() for path in shipped_specs().values()}


def _mistake(spec: Spec, recipe: str, key: str, value: object) -> str:
    from losslang.training.plan import check_override  # with pydantic, a quarter of a second
    from losslang.training.settings import Setting

    place = f"recipes: {recipe}"
    try:
        check_override(spec, recipe, key, Setting(value, place))
    except LosslangError as error:
        return str(error).removeprefix(f"{place}: ")
    return ""

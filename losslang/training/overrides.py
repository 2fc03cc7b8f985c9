"""What is wrong under `recipes:` of a method file, before any run: each setting with its place in the file. Torch-free."""

from __future__ import annotations

from pathlib import Path

from losslang.diagnostics import Diagnostic, LosslangError, Report
from losslang.objective.spec import Spec
from losslang.pipeline import reread
from losslang.shipped import shipped_specs

__all__ = ["override_mistakes"]


def override_mistakes(spec: Spec) -> tuple[Diagnostic, ...]:
    """Every setting that a method gives a recipe and that cannot be, by place; methods that ship have none, as tests show."""
    report, shipped = Report(), {path.resolve() for path in shipped_specs().values()}
    for recipe, settings in reread(spec).recipes.items() if spec.recipes else ():
        for path, override in settings.items():
            if Path(override.span.source.name).resolve() not in shipped:
                found = _mistake(spec, recipe, ".".join(path), override.value)
                if found:
                    report.add("E601", found, override.span)
    return report.sorted()


def _mistake(spec: Spec, recipe: str, key: str, value: object) -> str:
    from losslang.training.plan import check_override  # with pydantic, a quarter of a second
    from losslang.training.settings import Setting

    place = f"recipes: {recipe}"
    try:
        check_override(spec, recipe, key, Setting(value, place))
    except LosslangError as error:
        return str(error).removeprefix(f"{place}: ")
    return ""

"""Recipe files by name, and what they extend: `extends: toy` begins with another recipe, and the file's own settings win."""

from __future__ import annotations

from pathlib import Path

from losslang.diagnostics import LosslangError
from losslang.shipped import shipped_recipes
from losslang.syntax.names import nearest
from losslang.training.settings import Settings, read_recipe_file

__all__ = ["recipe_chain", "recipe_file"]

_SUFFIXES = {".yaml", ".yml"}


def recipe_file(recipe: str, beside: Path | None = None) -> Path:
    """The file of a recipe that ships, or a file itself, in `beside` by default of the working folder.

    Raises LosslangError for a name that is neither.
    """
    shipped = shipped_recipes()
    if recipe in shipped:
        return shipped[recipe]
    if Path(recipe).suffix in _SUFFIXES:
        return Path(recipe) if beside is None else beside / recipe
    close = nearest(recipe, shipped)
    hint = f"did you mean `{close}`?" if close else f"there are {', '.join(shipped)}, and files that end in .yaml"
    raise LosslangError(f"there is no recipe `{recipe}`; {hint}")


def recipe_chain(file: Path) -> list[tuple[str, Settings]]:
    """A recipe's name and settings, after those of the recipes that it extends.

    Raises SpecError or LosslangError where one of them does not read, or extends itself.
    """
    chain, seen = list[tuple[str, Settings]](), list[Path]()
    place = ""
    while True:
        if file.resolve() in seen:
            raise LosslangError(f"{place}: recipes extend each other in a circle")
        seen.append(file.resolve())
        settings = read_recipe_file(file)
        base = settings.pop("extends", None)
        chain.insert(0, (file.stem, settings))
        if base is None:
            return chain
        place = base.source
        try:
            file = recipe_file(str(base.value), file.parent)
        except LosslangError as error:
            raise LosslangError(f"{place}: {error}") from None

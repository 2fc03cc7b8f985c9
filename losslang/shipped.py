"""The files that ship with the package: methods and recipes, found from a wheel and from a checkout alike."""

from __future__ import annotations

from pathlib import Path

__all__ = ["shipped_augmentations", "shipped_recipes", "shipped_specs"]

_PACKAGE = Path(__file__).parent


def shipped_specs() -> dict[str, Path]:
    """Every shipped method by its name (`simsiam`), in the order of the alphabet.

    A wheel carries them as `losslang/_specs`; in a checkout (or an editable install) they are `specs/` beside the
    package. Sub-folders (`variants`) group files and are no part of a name.
    """
    installed = _PACKAGE / "_specs"
    return _named(installed if installed.is_dir() else _PACKAGE.parent / "specs", (".yaml", ".loss"))


def shipped_recipes() -> dict[str, Path]:
    """Every shipped recipe by its name (`toy`), in the order of the alphabet."""
    return _named(_PACKAGE / "recipes", (".yaml",))


def shipped_augmentations() -> dict[str, Path]:
    """Every named augmentation (`byol`), in the order of the alphabet."""
    return _named(_PACKAGE / "data" / "augmentations", (".yaml",))


def _named(folder: Path, suffixes: tuple[str, ...]) -> dict[str, Path]:
    found = (path for path in folder.rglob("*") if path.suffix in suffixes)
    return {path.stem: path for path in sorted(found, key=lambda path: path.stem)}

"""The files that ship with the package: methods, recipes and experiments, found from a wheel and from a checkout alike."""

from __future__ import annotations

from pathlib import Path

__all__ = ["shipped_augmentations", "shipped_experiments", "shipped_recipes", "shipped_specs"]

_PACKAGE = Path(__file__).parent


def shipped_specs() -> dict[str, Path]:
    """Every shipped method by its name (`simsiam`), in the order of the alphabet.

    A wheel carries them as `losslang/_specs`; in a checkout (or an editable install) they are `specs/` beside the
    package. Sub-folders (`variants`) group files and are no part of a name.
    """
    return _named(_top("specs"), (".yaml", ".loss"))


def shipped_experiments() -> dict[str, Path]:
    """Every shipped experiment by its name (`figure4`), in the order of the alphabet; `examples/` in a checkout."""
    return _named(_top("examples"), (".yaml",))


def shipped_recipes() -> dict[str, Path]:
    """Every shipped recipe by its name (`toy`), in the order of the alphabet."""
    return _named(_PACKAGE / "recipes", (".yaml",))


def shipped_augmentations() -> dict[str, Path]:
    """Every named augmentation (`byol`), in the order of the alphabet."""
    return _named(_PACKAGE / "data" / "augmentations", (".yaml",))


def _top(folder: str) -> Path:
    """A folder of the top of the checkout, which a wheel carries inside the package."""
    installed = _PACKAGE / f"_{folder}"
    return installed if installed.is_dir() else _PACKAGE.parent / folder


def _named(folder: Path, suffixes: tuple[str, ...]) -> dict[str, Path]:
    found = (path for path in folder.rglob("*") if path.suffix in suffixes)
    return {path.stem: path for path in sorted(found, key=lambda path: path.stem)}

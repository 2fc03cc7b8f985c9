"""Images of a data set of the Hugging Face hub, through the package `datasets`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from losslang.data.origin import Origin
from losslang.diagnostics import LosslangError

__all__ = ["hub_images"]

_TRAIN, _TEST = ("train",), ("validation", "valid", "val", "test")


def hub_images(name: str, *, image: str | None = None, label: str | None = None) -> Origin:
    """The training part and the held-out part of a hub data set; `image` and `label` are the columns, found by type if None.

    Raises LosslangError where `datasets` is not installed, where the set does not load, or has no such parts or columns.
    """
    try:
        import datasets
    except ImportError as error:
        raise LosslangError(
            "the hub is read by the package datasets, which is not installed: pip install 'losslang[hub]'"
        ) from error
    try:
        loaded = datasets.load_dataset(name)
    except Exception as error:
        raise LosslangError(f"{name} does not load from the hub: {str(error).splitlines()[0]}") from error
    train, test = _part(name, loaded, _TRAIN), _part(name, loaded, _TEST)
    image = image or _column(name, loaded[train].features, datasets.Image)
    label = label or _column(name, loaded[train].features, datasets.ClassLabel)
    undecoded = [loaded[part].cast_column(image, datasets.Image(decode=False)) for part in (train, test)]
    first = len(undecoded[0])

    def read(at: int) -> Path | bytes:
        cell = undecoded[at >= first][at - first if at >= first else at][image]
        return cell["bytes"] if cell["bytes"] is not None else Path(cell["path"])

    return Origin(
        name=name.rpartition("/")[2],
        source=f"hub data set {name}",
        classes=tuple(loaded[train].features[label].names),
        labels=[row for part in undecoded for row in part[label]],
        names=[f"{part}/{at}" for part in (train, test) for at in range(len(loaded[part]))],
        train=first,
        fingerprint=" ".join(loaded[part]._fingerprint for part in (train, test)),  # noqa: SLF001 - what they offer
        split=f"the part {test}",
        read=read,
    )


def _part(name: str, loaded: Mapping[str, Any], names: tuple[str, ...]) -> str:
    found = next((part for part in names if part in loaded), None)
    if found is None:
        raise LosslangError(f"{name} has the parts {', '.join(loaded)}; one of {', '.join(names)} is needed")
    return found


def _column(name: str, features: Mapping[str, Any], kind: type) -> str:
    found = [column for column, feature in features.items() if isinstance(feature, kind)]
    if len(found) != 1:
        raise LosslangError(
            f"{name} has {len(found) or 'no'} columns of the type {kind.__name__} (columns: {', '.join(features)});"
            f" name one with --{'image' if kind.__name__ == 'Image' else 'label'}"
        )
    return found[0]

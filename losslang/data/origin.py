"""Where images come from: folders of classes, with a held-out part. Torch-free."""

from __future__ import annotations

import hashlib
import os
import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from losslang.diagnostics import LosslangError

__all__ = ["SUFFIXES", "Origin", "find_images", "imagenet100_classes"]

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif", ".ppm")
_TRAIN, _TEST = ("train", "training"), ("val", "valid", "validation", "test")


@dataclass(frozen=True)
class Origin:
    """Images that can be read one by one: first `train` training images, then the held-out ones.

    `labels` and `names` go by image; `read` gives the file of an image, or its bytes. `fingerprint` changes with the
    images; `split` says in words where the held-out images come from.
    """

    name: str
    source: str
    classes: tuple[str, ...]
    labels: Sequence[int]
    names: Sequence[str]
    train: int
    fingerprint: str
    split: str
    read: Callable[[int], Path | bytes]

    def __len__(self) -> int:
        return len(self.labels)


_File = tuple[str, int, int, int]
"""Path below the root, label, bytes, time of change in ns."""


def imagenet100_classes() -> tuple[str, ...]:
    """The 100 classes (WordNet ids) of the subset that is called ImageNet-100 (Tian et al. 2020)."""
    return tuple((Path(__file__).parent / "imagenet100.txt").read_text(encoding="utf-8").split())


def find_images(
    root: Path, *, classes: Iterable[str] | None = None, held_out: float = 0.05, seed: int = 0, name: str | None = None
) -> Origin:
    """The images of `root/train/CLASS/…` and `root/val/CLASS/…`; or those of `root/CLASS/…`, a seeded share held out.

    With `classes`, only these, and all of them. Raises LosslangError where the folder is not laid out so.
    """
    if not root.is_dir():
        raise LosslangError(f"{root} is {'a file' if root.exists() else 'not there'}; a folder of images is needed")
    train, test = _part(root, _TRAIN), _part(root, _TEST)
    chosen = _classes(train or root, classes)
    if train is None:
        training, held = _held_out(list(_files(root, chosen, root)), held_out, seed)
        split = f"a share of {held_out:g} of every class (seed {seed})"
    else:
        training, held, split = list(_files(train, chosen, root)), [], f"none: {root} has no folder val"
        if test is not None:
            _check_test(test, chosen)
            held, split = list(_files(test, chosen, root)), f"the folder {test.name}"
    _check_images(root, chosen, training)
    files = training + held
    return Origin(
        name=name or root.resolve().name,
        source=f"folder {root.resolve()}",
        classes=chosen,
        labels=[label for _, label, _, _ in files],
        names=[path for path, *_ in files],
        train=len(training),
        fingerprint=_fingerprint(files),
        split=split,
        read=partial(_path, root.resolve(), [path for path, *_ in files]),
    )


def _path(root: Path, names: Sequence[str], at: int) -> Path:
    return root / names[at]


def _part(root: Path, names: Iterable[str]) -> Path | None:
    return next((root / name for name in names if (root / name).is_dir()), None)


def _folders(folder: Path) -> list[str]:
    with os.scandir(folder) as entries:
        return sorted(entry.name for entry in entries if entry.is_dir() and not entry.name.startswith("."))


def _classes(folder: Path, wanted: Iterable[str] | None) -> tuple[str, ...]:
    found = _folders(folder)
    if wanted is None:
        if len(found) < 2:
            raise LosslangError(f"{folder} has {len(found)} folders; one for every class is needed, with images in it")
        return tuple(found)
    wanted = tuple(wanted)
    missing = sorted(set(wanted) - set(found))
    if missing:
        raise LosslangError(
            f"{folder} lacks {len(missing)} of {len(wanted)} class folders: {', '.join(missing[:5])}"
            f"{', …' if len(missing) > 5 else ''}"
        )
    return wanted


def _check_test(test: Path, classes: Sequence[str]) -> None:
    missing = sorted(set(classes) - set(_folders(test)))
    if missing:
        raise LosslangError(
            f"{test} lacks the class folder {missing[0]}"
            f"{f' and {len(missing) - 1} others' if len(missing) > 1 else ''}; its images must lie in folders by class,"
            " as the training images do (ImageNet's validation images come in one folder and have to be sorted first)"
        )


def _check_images(root: Path, classes: Sequence[str], files: Sequence[_File]) -> None:
    empty = sorted(set(range(len(classes))) - {label for _, label, _, _ in files})
    if empty:
        raise LosslangError(
            f"{root}: there are no training images of {classes[empty[0]]}"
            f"{f' and {len(empty) - 1} other classes' if len(empty) > 1 else ''}; images end in {', '.join(SUFFIXES)}"
        )


def _files(folder: Path, classes: Sequence[str], root: Path) -> Iterator[_File]:
    """The images of each class, also in deeper folders, in the order of their names."""
    for label, name in enumerate(classes):
        found = []
        for place, folders, files in os.walk(folder / name):
            folders.sort()
            found += [Path(place) / file for file in files if file.lower().endswith(SUFFIXES)]
        for path in sorted(found):
            state = path.stat() if path.exists() else path.lstat()  # a link to nowhere is a broken image like others
            yield path.relative_to(root).as_posix(), label, state.st_size, state.st_mtime_ns


def _held_out(files: Sequence[_File], share: float, seed: int) -> tuple[list[_File], list[_File]]:
    """A share of every class, at least one image where the class has two."""
    if not 0 < share < 1:
        raise LosslangError(f"a held-out share of {share:g} is none: between 0 and 1")
    by_class: dict[int, list[_File]] = {}
    for file in files:
        by_class.setdefault(file[1], []).append(file)
    held: set[str] = set()
    for label, own in by_class.items():
        count = min(max(round(share * len(own)), 1), len(own) - 1)
        held.update(file[0] for file in random.Random(f"{seed} {label}").sample(own, count))  # noqa: S311 - no secret
    return [file for file in files if file[0] not in held], [file for file in files if file[0] in held]


def _fingerprint(files: Iterable[_File]) -> str:
    digest = hashlib.sha256()
    for file in files:
        digest.update(repr(file).encode())
    return digest.hexdigest()

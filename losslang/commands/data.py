"""`losslang data`: images into a cache, and what a cache holds."""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from losslang.commands.arguments import CommandParser
from losslang.diagnostics import LosslangError

if TYPE_CHECKING:
    from losslang.data.cache import Cache
    from losslang.data.origin import Origin
    from losslang.data.prepare import Tell

__all__ = ["add_options", "run"]


def add_options(parser: CommandParser) -> None:
    """The options of `losslang data`."""
    parser.add_argument("what", metavar="WHAT", choices=[*_ACTIONS], help=", ".join(_ACTIONS))
    parser.add_argument("where", metavar="WHERE", nargs="?", help="folder of images, name on the hub, or cache")
    parser.add_argument("--from", metavar="DIR", dest="origin", type=Path, help="imagenet100: where ImageNet lies")
    parser.add_argument("--out", metavar="DIR", type=Path, help="the cache (data/NAME-SIZE)")
    parser.add_argument("--size", metavar="N", type=int, default=256, help="side of the cached images in pixels (256)")
    parser.add_argument(
        "--fit",
        choices=["squash", "crop"],
        default="squash",
        help="squash: whole images, crops are drawn in original coordinates (default); crop: the middle square",
    )
    parser.add_argument(
        "--broken", choices=["skip", "fail"], default="skip", help="images that do not read: left out and listed (skip)"
    )
    parser.add_argument(
        "--held-out", metavar="S", type=float, default=0.05, help="share held out without a val folder (0.05)"
    )
    parser.add_argument("--processes", metavar="N", type=int, default=os.cpu_count() or 1, help="processes (all cores)")
    parser.add_argument("--image", metavar="COLUMN", help="hub: the column of images")
    parser.add_argument("--label", metavar="COLUMN", help="hub: the column of classes")
    parser.add_argument("--overwrite", action="store_true", help="replace what is at --out")


def run(options: Namespace) -> int:
    """Do what is asked for. Raises LosslangError, OSError."""
    return _ACTIONS[options.what](options)


# ---------------------------------------------------------------- preparing


def _imagenet100(options: Namespace) -> int:
    from losslang.data.origin import find_images, imagenet100_classes

    root = options.origin or (Path(options.where) if options.where else None)
    if root is None:
        raise LosslangError(
            "losslang data imagenet100 needs --from DIR, the folder that holds ImageNet's train and val"
        )
    return _prepared(find_images(root, classes=imagenet100_classes(), name="imagenet100"), options)


def _folder(options: Namespace) -> int:
    from losslang.data.origin import find_images

    return _prepared(find_images(Path(_where(options, "DIR")), held_out=options.held_out), options)


def _hub(options: Namespace) -> int:
    from losslang.data.hub import hub_images

    return _prepared(hub_images(_where(options, "NAME"), image=options.image, label=options.label), options)


def _where(options: Namespace, what: str) -> str:
    if options.where is None:
        raise LosslangError(f"losslang data {options.what} {what}: the {what} is missing")
    return str(options.where)


def _prepared(origin: Origin, options: Namespace) -> int:
    from losslang.data.files import remove_tree
    from losslang.data.prepare import Preparation, prepare

    if options.size < 8 or options.processes < 1:
        raise LosslangError(f"--size {options.size} --processes {options.processes}: at least 8 pixels and one process")
    out = options.out or Path("data") / f"{origin.name}-{options.size}"
    if options.overwrite:
        _check_replaceable(out)
        remove_tree(out)
    how = Preparation(options.size, options.fit, options.broken, options.processes)
    print(f"{len(origin)} images of {len(origin.classes)} classes ({origin.source}) into {out}")
    with _progress() as tell:
        cache = prepare(origin, out, how, tell)
    _describe(cache)
    recipe = "imagenet100" if options.size >= 128 else "cifar"
    print(f"train with: losslang train SPEC --data {out} --recipe {recipe}")
    return 0


def _check_replaceable(out: Path) -> None:
    """--overwrite removes caches alone."""
    ours = {"index.json", "plan.json"}
    if out.exists() and not (out.is_dir() and (ours & {path.name for path in out.iterdir()} or not any(out.iterdir()))):
        raise LosslangError(f"{out} is no cache, and is not removed; name another folder with --out")


@contextmanager
def _progress() -> Iterator[Tell]:
    """A bar on a terminal; elsewhere a line for every tenth."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(file=sys.stdout)
    if not console.is_terminal:
        yield _tenths()
        return
    columns = BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), TextColumn("{task.fields[broken]} broken")
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", total=None, broken=0)
        yield lambda done, total, broken: bar.update(task, completed=done, total=total, broken=broken)


def _tenths() -> Tell:
    seen = [-1]

    def tell(done: int, total: int, broken: int) -> None:
        tenth = 10 * done // total
        if tenth > seen[0]:
            seen[0] = tenth
            print(f"  {done} of {total}{f', {broken} broken' if broken else ''}", flush=True)

    return tell


# ---------------------------------------------------------------- looking


def _show(options: Namespace) -> int:
    from losslang.data.cache import open_cache

    _describe(open_cache(Path(_where(options, "CACHE"))))
    return 0


def _verify(options: Namespace) -> int:
    from losslang.data.cache import open_cache

    cache = open_cache(Path(_where(options, "CACHE")), look_at=0)
    damaged = cache.damaged(range(len(cache.rows)))
    _describe(cache)
    if not damaged:
        print("every image is as it was written")
        return 0
    images = "image is" if len(damaged) == 1 else "images are"
    shown = ", ".join(map(str, damaged[:20])) + (", …" if len(damaged) > 20 else "")
    print(f"{len(damaged)} {images} damaged: {'row' if len(damaged) == 1 else 'rows'} {shown}")
    return 1


def _describe(cache: Cache) -> None:
    from losslang.data.sizes import bytes_in_words

    size = bytes_in_words(cache.index["positions"] * cache.image_bytes)
    rows = {
        "data set": f"{cache.name}, {len(cache.classes)} classes",
        "images": f"{cache.train} for training, {cache.test} held out ({cache.index['held_out']})",
        "pixels": f"{cache.index['resized']}; {size} in {cache.path}",
        "made from": cache.index["source"],
        "broken": f"{len(cache.index['broken'])} images were left out" if cache.index["broken"] else "",
    }
    for name, words in rows.items():
        if words:
            print(f"{name:10}{words}")
    for line in cache.index["broken"][:10]:
        print(f"{'':10}{line}")
    if len(cache.index["broken"]) > 10:
        print(f"{'':10}… (all of them in {cache.path / 'index.json'})")


_ACTIONS: dict[str, Callable[[Namespace], int]] = {
    "imagenet100": _imagenet100,
    "folder": _folder,
    "hub": _hub,
    "show": _show,
    "verify": _verify,
}

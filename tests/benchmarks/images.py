"""The image path, timed: preparing a cache against Pillow alone, and augmentation against kornia and torchvision.

    python -m tests.benchmarks.images [--images 200] [--rounds 5] [--compile]

All alternatives take turns in one process and one thread, and what is compared is the ratio: on a shared machine seconds
drift, ratios much less. Times are CPU seconds of this process. Prints Markdown.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from losslang.data.counter import Draws
from losslang.data.origin import find_images
from losslang.data.photos import PhotoView, draw
from losslang.data.policies import Photo
from losslang.data.prepare import Preparation, prepare
from losslang.data.readers import CacheReader
from tests.benchmarks.jpegs import write_folder

__all__ = ["augmenters", "interleaved", "kornia_of", "rates_of_cache", "torchvision_of"]

BYOL = Photo(blur=0.5, solarize=0.1)
"""The byol policy as one for both views: between its first and its second."""


def interleaved(works: dict[str, Callable[[], int]], rounds: int) -> dict[str, float]:
    """Median items per CPU second of each, the rounds of all taking turns."""
    rates: dict[str, list[float]] = {name: [] for name in works}
    for work in works.values():  # warm
        work()
    for _ in range(rounds):
        for name, work in works.items():
            started = time.process_time()
            count = work()
            rates[name].append(count / (time.process_time() - started))
    return {name: statistics.median(values) for name, values in rates.items()}


def rates_of_cache(folder: Path, rounds: int, size: int = 256) -> dict[str, float]:
    """Images per second of the whole preparation in one process, and of Pillow's decode and resize alone."""
    origin = find_images(folder)
    paths = [origin.read(at) for at in range(len(origin))]

    def pillow() -> int:
        for path in paths:
            with Image.open(path) as image:
                np.asarray(image.convert("RGB").resize((size, size), Image.Resampling.BICUBIC))
        return len(paths)

    def cache() -> int:
        with tempfile.TemporaryDirectory() as out:
            prepare(find_images(folder), Path(out) / "c", Preparation(size=size, processes=1))
        return len(paths)

    def read() -> int:
        reader.read(order)
        return len(order)

    with tempfile.TemporaryDirectory() as out:
        made = prepare(origin, Path(out) / "c", Preparation(size=size, processes=1))
        reader, order = CacheReader(made, 0, made.train), np.random.default_rng(0).permutation(made.train)
        return interleaved({"pillow": pillow, "cache": cache, "read": read}, rounds)


def augmenters(batch: int, size: int, source: int, *, compiled: bool) -> dict[str, Callable[[], int]]:
    """The same policy for a batch of images of `source` pixels, by us, and by kornia and torchvision where they are installed."""
    values = torch.randint(0, 256, (batch, source, source, 3), dtype=torch.uint8)
    extent = torch.tensor([[source, source]] * batch)
    policy = BYOL.model_copy(update={"size": size})
    view = PhotoView(policy)
    works: dict[str, Callable[[], int]] = {"losslang": lambda: _ours(view, policy, values, extent)}
    if compiled:
        fast = torch.compile(view, dynamic=False)  # as training does, see `losslang.training.speed`
        works["losslang, compiled"] = lambda: _ours(fast, policy, values, extent)
    theirs = kornia_of(policy)
    if theirs is not None:
        floats = values.permute(0, 3, 1, 2)
        works["kornia"] = lambda: len(theirs(floats.float() / 255))
    one_by_one = torchvision_of(policy)
    if one_by_one is not None:
        images = values.permute(0, 3, 1, 2)
        works["torchvision, image by image"] = lambda: len([one_by_one(image.float() / 255) for image in images])
    return works


def _ours(view: torch.nn.Module, policy: Photo, values: Tensor, extent: Tensor) -> int:
    draws = Draws(0, 0, 0, torch.arange(len(values)))
    with torch.no_grad():
        return len(view(values, draw(policy, draws, extent)))


def kornia_of(policy: Photo) -> torch.nn.Module | None:
    """kornia's augmentations with the same chances, one set of parameters per image."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from kornia import augmentation as K
    except ImportError:
        return None
    mean, std = torch.tensor(policy.mean), torch.tensor(policy.std)
    jitter = policy.brightness, policy.contrast, policy.saturation, policy.hue
    return K.AugmentationSequential(
        K.RandomResizedCrop((policy.size, policy.size), policy.scale, policy.ratio, cropping_mode="resample"),
        K.RandomHorizontalFlip(policy.flip),
        K.ColorJiggle(*jitter, p=policy.jitter),
        K.RandomGrayscale(p=policy.grayscale),
        K.RandomGaussianBlur((23, 23), policy.sigma, p=policy.blur),
        K.RandomSolarize(thresholds=0.0, additions=0.0, p=policy.solarize),
        K.Normalize(mean, std),
    )


def torchvision_of(policy: Photo) -> Callable[[Tensor], Tensor] | None:
    """torchvision's transforms with the same chances, for one image [3, row, column]; None where torchvision does not work."""
    try:
        from torchvision import transforms as T
    except Exception:  # noqa: BLE001 - RuntimeError beside a torch it was not built for
        return None
    jitter = T.ColorJitter(policy.brightness, policy.contrast, policy.saturation, policy.hue)
    return T.Compose(
        [
            T.RandomResizedCrop(policy.size, policy.scale, policy.ratio, antialias=True),
            T.RandomHorizontalFlip(policy.flip),
            T.RandomApply([jitter], policy.jitter),
            T.RandomGrayscale(policy.grayscale),
            T.RandomApply([T.GaussianBlur(23, policy.sigma)], policy.blur),
            T.RandomSolarize(policy.threshold, policy.solarize),
            T.Normalize(policy.mean, policy.std),
        ]
    )


def main() -> None:
    """Run both comparisons and print them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--compile", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        write_folder(Path(folder), options.images, 10)
        rates = rates_of_cache(Path(folder), options.rounds)
    print("| cache, one core | images per CPU second | share of Pillow's |\n| --- | --- | --- |")
    for name, rate in rates.items():
        print(f"| {name} | {rate:,.0f} | {rate / rates['pillow']:.2f} |")
    for source, size in ((72, 64), (256, 224)):
        found = interleaved(augmenters(options.batch, size, source, compiled=options.compile), options.rounds)
        base = found.get("kornia", found["losslang"])
        print(
            f"\n| byol, {source} to {size} pixels, one core | views per CPU second | times kornia |\n| --- | --- | --- |"
        )
        for name, rate in found.items():
            print(f"| {name} | {rate:,.0f} | {rate / base:.2f} |")


if __name__ == "__main__":
    main()

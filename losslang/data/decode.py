"""From a file to pixels, with Pillow. Torch-free, and so cheap to start in many processes."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from losslang.diagnostics import LosslangError

if TYPE_CHECKING:
    import numpy as np
    from PIL.Image import Image

__all__ = ["Broken", "Decoded", "Fit", "check_pillow", "decode"]

Fit = Literal["squash", "crop"]
"""How an image becomes a square: `squash` changes its sides one by one, and crops can later be drawn as if in the original;
`crop` takes the middle square."""


class Broken(Exception):
    """A file that is no image, or is cut off."""


class Decoded(NamedTuple):
    """Pixels [row, column, channel] in uint8, RGB, and the height and width that they stand for."""

    pixels: np.ndarray
    height: int
    width: int


def check_pillow() -> None:
    """Raises LosslangError where Pillow is not installed."""
    try:
        import PIL.Image  # noqa: F401
    except ImportError as error:
        raise LosslangError(
            "images are read by Pillow, which is not installed: pip install 'losslang[images]'"
        ) from error


def decode(image: Path | bytes, size: int, fit: Fit = "squash") -> Decoded:
    """An image as a square of `size` pixels, resized by Pillow's antialiased bicubic filter.

    JPEGs of more than four times the size are decoded at a smaller scale, no less than twice the size, as this is much
    faster. Rotation in EXIF data is ignored, as torchvision ignores it. Raises Broken; OSError where a file cannot be
    opened.
    """
    import numpy as np
    from PIL import Image

    file = io.BytesIO(image) if isinstance(image, bytes) else image.open("rb")
    with file:
        try:
            with Image.open(file) as opened:
                width, height = opened.size
                opened.draft("RGB", (2 * size, 2 * size))
                square = _FITS[fit](_colours(opened), size)
        except Exception as error:  # whatever a decoder finds wrong
            raise Broken(str(error).partition(" <_io.")[0] or type(error).__name__) from error
    if fit == "crop":
        height = width = min(height, width)
    return Decoded(np.asarray(square), height, width)


def _colours(image: Image) -> Image:
    """Three colours of 8 bits. Pillow alone would make everything above 255 white, and copy what is in colour already."""
    import numpy as np
    from PIL.Image import fromarray

    image.load()  # only now are mode and size those of the pixels
    if image.mode == "RGB":
        return image
    if image.mode.startswith("I;16"):
        return fromarray((np.asarray(image) // 257).astype(np.uint8)).convert("RGB")
    if image.mode in {"I", "F"}:
        raise Broken(f"pixels of 32 bits (mode {image.mode}) have no known white; save the image with 8 or 16")
    return image.convert("RGB")


def _squashed(image: Image, size: int) -> Image:
    from PIL.Image import Resampling

    return image.resize((size, size), Resampling.BICUBIC)


def _cropped(image: Image, size: int) -> Image:
    from PIL.Image import Resampling

    side = min(image.size)
    left, top = ((length - side) / 2 for length in image.size)
    return image.resize((size, size), Resampling.BICUBIC, box=(left, top, left + side, top + side))


_FITS = {"squash": _squashed, "crop": _cropped}

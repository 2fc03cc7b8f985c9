"""What an augmentation may be told: the options of each policy, checked without torch."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

__all__ = ["POLICIES", "Image", "Noise", "Nothing", "Photo", "Policy"]

Share = Annotated[float, Field(ge=0, le=1)]


class Policy(BaseModel):
    """Options that every policy has: none."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Nothing(Policy):
    """The input itself."""


class Noise(Policy):
    """Normal noise of standard deviation `scale` on every number, for points."""

    scale: float = Field(default=1.0, ge=0, description="standard deviation of the noise, in units of the data")


class Image(Policy):
    """Crop and resize, brightness, contrast and noise, for images between 0 and 1."""

    crop: float = Field(default=0.5, gt=0, le=1, description="smallest area of a crop, as a share of the image")
    ratio: float = Field(default=1.25, ge=1, description="largest ratio of the sides of a crop")
    flip: Share = Field(default=0.0, description="probability of a mirror image")
    brightness: float = Field(default=0.4, ge=0, le=1, description="brightness changes by a factor of 1 ± this")
    contrast: float = Field(default=0.4, ge=0, le=1, description="contrast changes by a factor of 1 ± this")
    noise: float = Field(default=0.1, ge=0, description="standard deviation of the noise on every pixel")


Range = tuple[float, float]


class Photo(Policy):
    """Random resized crop, flip, colour jitter, grayscale, blur, solarise and normalise, for photos in uint8.

    The operations come in this order, those of the jitter in an order of their own for every image.
    """

    size: int = Field(default=224, ge=4, description="side of the view in pixels")
    scale: Range = Field(default=(0.08, 1.0), description="area of a crop, as shares of the image")
    ratio: Range = Field(default=(3 / 4, 4 / 3), description="width over height of a crop")
    flip: Share = Field(default=0.5, description="probability of a mirror image")
    jitter: Share = Field(default=0.8, description="probability of a change of colours")
    brightness: float = Field(default=0.4, ge=0, description="a factor of 1 ± this")
    contrast: float = Field(default=0.4, ge=0, description="a factor of 1 ± this")
    saturation: float = Field(default=0.2, ge=0, description="a factor of 1 ± this")
    hue: float = Field(default=0.1, ge=0, le=0.5, description="± this part of the circle of hues")
    grayscale: Share = Field(default=0.2, description="probability of a gray image")
    blur: Share = Field(default=0.5, description="probability of a Gaussian blur")
    sigma: Range = Field(default=(0.1, 2.0), description="standard deviation of the blur, in pixels of the view")
    solarize: Share = Field(default=0.0, description="probability of inverted light pixels")
    threshold: Share = Field(default=128 / 255, description="from which light on pixels are inverted")
    mean: tuple[float, float, float] = Field(default=(0.485, 0.456, 0.406), description="taken from the channels")
    std: tuple[float, float, float] = Field(default=(0.229, 0.224, 0.225), description="the channels are divided by it")

    @model_validator(mode="after")
    def _in_order(self) -> Photo:
        for name in ("scale", "ratio", "sigma"):
            low, high = getattr(self, name)
            if not 0 < low <= high or (name == "scale" and high > 1):
                raise ValueError(f"{name}: two numbers above 0 are needed, the lower first, and of areas none above 1")
        return self


POLICIES: dict[str, type[Policy]] = {"none": Nothing, "noise": Noise, "image": Image, "photo": Photo}
"""Policies by the name that a recipe uses; `losslang.data.augment` does the work."""

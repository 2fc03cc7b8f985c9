"""What an augmentation may be told: the options of each policy, checked without torch."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["POLICIES", "Image", "Noise", "Nothing", "Policy"]

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


POLICIES: dict[str, type[Policy]] = {"none": Nothing, "noise": Noise, "image": Image}
"""Policies by the name that a recipe uses; `losslang.data.augment` does the work."""

"""What a network of a method is: descriptions, without torch. `losslang.networks` builds them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from losslang.objective.axes import Size
from losslang.objective.schedules import Schedule

__all__ = ["Network", "Norm", "Scalar"]

Scalar: TypeAlias = float | Schedule


@dataclass(frozen=True)
class Norm:
    """A normalisation layer: `none`, `batchnorm` (`affine` scale and shift, `beta` shift alone), `layernorm`, `iternorm`."""

    kind: str = "none"
    affine: bool = True
    beta: bool = True


NO_NORM = Norm()


@dataclass(frozen=True)
class Network:
    """One network of a method.

    `kind` is a row of the table of constructors:

    - `backbone`: the recipe picks it; images in, one feature vector per image out.
    - `mlp`: `widths` are the hidden sizes and the output size; `norm` and `activation` after every linear layer but
      the last, `last_norm` after the last; `bias` for all linear layers, `last_bias` for the last.
    - `linear`: one layer of size `widths[0]`. `bias_layer`: z + b, b zero at first. `identity`. `normalize`: unit rows.
    - `prototypes`: scores against `widths[0]` vectors, without bias; `rows` is `free`, `weight_norm` (unit rows by
      construction) or `project` (rows set to unit length before every forward pass in training).
    - `chain`: `parts` in order. `reference`: the network called `name` (shared weights).
    - `ema`: a moving average of `parts[0]` with `momentum`; `frozen`: never trained; `freeze_for`: `parts[0]` trains
      only after `epochs` or `steps`.
    """

    kind: str
    widths: tuple[Size, ...] = ()  # a name such as features(encoder) until the recipe binds it
    norm: Norm = NO_NORM
    last_norm: Norm = NO_NORM
    activation: str = "relu"
    bias: bool = True
    last_bias: bool = True
    rows: str = "free"
    parts: tuple[Network, ...] = ()
    name: str = ""
    momentum: Scalar | None = None
    epochs: float | None = None
    steps: int | None = None

    def nested(self) -> Iterator[Network]:
        """The network, and every part of it at any depth."""
        yield self
        for part in self.parts:
            yield from part.nested()

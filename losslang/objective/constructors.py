"""The table of constructors: what the networks of a method are built of."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["CONSTRUCTORS", "Constructor"]


@dataclass(frozen=True)
class Constructor:
    """A row of the table: how many sizes and parts a constructor takes, and its options."""

    name: str
    usage: str
    summary: str
    sizes: tuple[int, int] = (0, 0)
    parts: tuple[int, int] = (0, 0)
    options: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()


_ANY = 1000
_LAYERS = ("norm", "last_norm", "activation", "bias", "last_bias")
_ROWS = (
    Constructor("backbone", "backbone", "images to feature vectors; the recipe picks it"),
    Constructor(
        "mlp",
        "mlp(hidden, …, output, norm=, last_norm=, activation=, bias=, last_bias=)",
        "linear layers; norm and activation after every one but the last",
        sizes=(1, _ANY),
        options=_LAYERS,
    ),
    Constructor("linear", "linear(output, bias=true)", "one linear layer", sizes=(1, 1), options=("bias",)),
    Constructor("bias_layer", "bias_layer", "z + b, with b zero at first"),
    Constructor("identity", "identity", "z itself"),
    Constructor("normalize", "normalize", "unit rows, as a stage of a chain"),
    Constructor("chain", "chain(one, two, …)", "one after the other", parts=(1, _ANY)),
    Constructor(
        "prototypes",
        "prototypes(count, rows=free|weight_norm|project)",
        "scores against count vectors",
        sizes=(1, 1),
        options=("rows",),
    ),
    Constructor(
        "ema",
        "ema(network, momentum=)",
        "moving average of a network",
        parts=(1, 1),
        options=("momentum",),
        needs=("momentum",),
    ),
    Constructor("frozen", "frozen(network)", "never trained", parts=(1, 1)),
    Constructor(
        "freeze_for",
        "freeze_for(network, epochs=|steps=)",
        "trained only after some epochs or steps",
        parts=(1, 1),
        options=("epochs", "steps"),
    ),
)
CONSTRUCTORS: dict[str, Constructor] = {row.name: row for row in _ROWS}

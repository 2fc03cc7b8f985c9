"""`losslang export`: a run's backbone for other programs."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from losslang.commands.arguments import CommandParser
from losslang.commands.failures import OK

__all__ = ["add_options", "run"]


_TARGETS = ["torchvision", "timm", "safetensors", "onnx"]


def add_options(parser: CommandParser) -> None:
    """The options of `losslang export`."""
    parser.add_argument("run", metavar="RUN", type=Path, help="a run folder")
    parser.add_argument("--to", choices=_TARGETS, required=True, help="who is to read the backbone's weights")
    parser.add_argument("-o", metavar="FILE", dest="out", type=Path, help="the file (in the run folder)")


def run(options: Namespace) -> int:
    """Write a run's backbone and say how it is loaded. Raises LosslangError."""
    from losslang.training.export import export

    written = export(options.run, options.to, options.out)
    print(f"{written.path}: {written.about}\n{written.usage}")
    return OK

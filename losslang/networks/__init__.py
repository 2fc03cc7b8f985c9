"""Networks: torch modules for the descriptions in `losslang.objective.networks`, and the backbones of recipes."""

from losslang.networks.build import build

__all__ = ["build"]

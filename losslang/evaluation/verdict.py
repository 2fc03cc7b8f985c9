"""Whether a run collapsed, and in which way. Torch-free."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Verdict", "verdict"]

CONSTANT = 0.95
"""Center norm above which a run counts as collapsed to a constant."""

DIMENSIONAL = 1 / 3
"""Share of the effective rank at the start below which a run counts as collapsed in dimension.

Training by itself takes out the directions that hold nothing but noise: on blobs and moons SimSiam keeps 0.37 to 0.46
of its rank and VICReg more, and `center_penalty`, which nothing keeps from two points, 0.17 to 0.28.
"""


@dataclass(frozen=True)
class Verdict:
    """`kind` is `constant`, `dimensional` or `none`; `reason` is one line for people."""

    kind: str
    reason: str

    @property
    def collapsed(self) -> bool:
        """Whether anything was lost."""
        return self.kind != "none"


def verdict(center: float, rank: float, first_rank: float) -> Verdict:
    """Judge a run by the center norm and the centred effective rank at its end, and by the rank at its start.

    An absolute bound on the rank would depend on the data; the ratio does not much.
    """
    numbers = f"center norm {center:.3f}, effective rank {rank:.1f}, {first_rank:.1f} at the start"
    if center > CONSTANT:
        return Verdict("constant", f"collapsed to a constant: {numbers}")
    if rank < DIMENSIONAL * first_rank:
        return Verdict("dimensional", f"collapsed in dimension: {numbers}")
    return Verdict("none", f"not collapsed: {numbers}")

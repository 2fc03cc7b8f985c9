"""Whether a run collapsed, and in which way. Torch-free."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["WORDS", "Verdict", "counted", "verdict"]

CONSTANT = 0.95
"""Center norm above which a run counts as collapsed to a constant."""

DIMENSIONAL = 0.5
"""Share of the effective rank that there was to keep, below which a run counts as collapsed in dimension."""


WORDS = {"none": "no", "constant": "constant", "dimensional": "rank below half"}
"""What tables say of a run by its kind. The alarm's collapse in dimension is another: there, next to none are left."""


def counted(kinds: Sequence[str]) -> str:
    """What became of some runs, in words: `constant` of all of them, `rank below half in 3 of 5`."""
    words = [WORDS.get(kind, kind) for kind in kinds]
    if len(set(words)) <= 1:
        return "".join(words[:1])
    return ", ".join(f"{word} in {words.count(word)} of {len(words)}" for word in dict.fromkeys(words) if word != "no")


@dataclass(frozen=True)
class Verdict:
    """`kind` is `constant`, `dimensional` or `none`; `reason` is one line for people."""

    kind: str
    reason: str

    @property
    def collapsed(self) -> bool:
        """Whether anything was lost."""
        return self.kind != "none"


def verdict(center: float, rank: float, first_rank: float, input_rank: float) -> Verdict:
    """Judge a run by the center norm and the centred effective rank of its embeddings at the end.

    What rank there was to keep is the smaller of that of the untrained network's embeddings and that of the inputs
    themselves: a network widens points in the plane to a rank of eight, and every method that works takes it back.
    """
    kept = min(first_rank, input_rank)
    numbers = (
        f"center norm {center:.3f}, effective rank {rank:.1f} (untrained {first_rank:.1f}, inputs {input_rank:.1f})"
    )
    if center > CONSTANT:
        return Verdict("constant", f"collapsed to a constant: {numbers}")
    if rank < DIMENSIONAL * kept:
        return Verdict("dimensional", f"collapsed in dimension: {numbers}")
    return Verdict("none", f"not collapsed: {numbers}")

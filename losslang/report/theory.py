"""What is known of a method without training it, for the page."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from losslang.analysis.explain import Explanation
from losslang.analysis.foresight.stability import Verdict
from losslang.analysis.probe.probe import Probe

__all__ = ["Theorist", "Theory"]


@dataclass(frozen=True)
class Theory:
    """A method explained, judged and probed."""

    explanation: Explanation
    verdict: Verdict
    probe: Probe


Theorist = Callable[[Path, Mapping[str, "int | float"]], Theory]
"""Gives the theory of a method file with parameters. Raises SpecError."""

"""Remedies in the spelling of the file that they are for."""

from __future__ import annotations

from losslang.diagnostics import Span

__all__ = ["spelled"]


def spelled(place: Span, *, yaml: str, loss: str) -> str:
    """What is to be written at a place: in a file that ends in .loss, or in YAML."""
    return loss if place.source.name.endswith(".loss") else yaml

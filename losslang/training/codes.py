"""Codes of training that have a place in a method file."""

from __future__ import annotations

from typing import Final

from losslang.diagnostics.codes import Code

__all__ = ["CODES"]

CODES: Final[dict[str, Code]] = {
    "E601": Code(
        "no such setting of a recipe",
        "Under `recipes:` a method changes settings of a recipe, by their dotted paths, or its own parameters. There is "
        "no setting of this name, or it takes another kind of value (`losslang schema recipe` shows all).",
        "recipes: {toy: {optimizer.learning_rat: 0.1}}",
        "recipes: {toy: {optimizer.learning_rate: 0.1}}",
    ),
    "W601": Code(
        "no recipe of this name",
        "What stands under `recipes:` holds for the recipe of that name alone, and no recipe that ships has it "
        "(`losslang list recipes`), nor is there a file of the name beside the method or in the working folder. "
        "Where the recipe is a file elsewhere, allow(W601) says so.",
        "recipes: {imagenet: {optimizer.learning_rate: 0.1}}",
        "recipes: {imagenet100: {optimizer.learning_rate: 0.1}}",
    ),
}

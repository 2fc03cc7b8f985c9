"""A method with everything that it inherits, as a file of its own."""

from __future__ import annotations

from losslang.objective.resolve import Resolved
from losslang.syntax.format import write_method
from losslang.syntax.tree import Method, RecipeOverrides

__all__ = ["inherited", "standalone"]


def standalone(resolved: Resolved, name: str) -> str:
    """The text of the method under another name, in YAML, without `extends`."""
    return write_method(inherited(resolved, name), "yaml")


def inherited(resolved: Resolved, name: str) -> Method:
    """The tree of the method under a name, with what it inherits written out."""
    return Method(
        name,
        resolved.title,
        resolved.paper,
        parameters=tuple(resolved.parameters.values()),
        views=resolved.views,
        forward=resolved.forward,
        networks=tuple(resolved.networks.values()),
        functions=tuple(resolved.functions.values()),
        define=tuple(resolved.define.values()),
        objective=tuple(resolved.objective.values()),
        recipes=tuple(RecipeOverrides(recipe, tuple(each.values())) for recipe, each in resolved.recipes.items()),
    )

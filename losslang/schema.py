"""JSON Schema of the documents people write, for completion and help in editors (yaml-language-server).

It describes the shape of a document; `losslang check` alone decides whether a method is right.
"""

from __future__ import annotations

from typing import Any

__all__ = ["json_schema"]

Schema = dict[str, Any]

_NAME = "^[A-Za-z][A-Za-z0-9_]*$"

_EXPRESSION: Schema = {"type": ["string", "number"]}


def json_schema(document: str) -> Schema:
    """The JSON Schema (draft 7) of `method` files in YAML, of a `recipe`, or of an `experiment`."""
    return {"recipe": _recipe, "experiment": _experiment, "method": _method}[document]()


def _recipe() -> Schema:
    from losslang.training.recipe import Recipe

    schema = Recipe.model_json_schema()
    base = _text("Begin with another recipe, one that ships or a file beside this one; what this one sets wins.", "toy")
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        **schema,
        "properties": {"extends": base, **schema["properties"]},
    }


def _experiment() -> Schema:
    """As the reader takes it: methods also as a list, or as names; sections nested or by dotted path."""
    from losslang.experiment.document import Experiment

    schema = Experiment.model_json_schema()
    variants = schema["properties"]["methods"]
    entry = {"anyOf": [{"type": "string"}, variants.pop("additionalProperties")]}
    mapping = {"type": "object", "additionalProperties": entry, "minProperties": variants.pop("minProperties", 1)}
    del variants["type"]
    variants["anyOf"] = [{"type": "array", "items": {"type": "string"}, "minItems": 1}, mapping]
    return {"$schema": "http://json-schema.org/draft-07/schema#", **schema}


def _method() -> Schema:
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "losslang method",
        "description": "A self-supervised learning objective in the notation of the papers.",
        "type": "object",
        "properties": _PROPERTIES,
        "required": ["losslang", "method"],
        "anyOf": [{"required": ["objective"]}, {"required": ["extends"]}],
        "additionalProperties": False,
    }


def _text(description: str, *examples: str) -> Schema:
    return {"type": "string", "description": description, "examples": list(examples)}


def _entries(description: str, entry: Schema, *examples: Schema) -> Schema:
    """A mapping of names; null removes what the extended method has."""
    return {
        "type": "object",
        "description": f"{description} `null` removes an entry of the extended method.",
        "propertyNames": {"pattern": _NAME},
        "additionalProperties": {"anyOf": [entry, {"type": "null"}]},
        "examples": list(examples),
    }


_VIEWS: Schema = {
    "description": "The views of an image: a list of names (default [a, b]), or groups with their number of views. "
    "The recipe names an augmentation for each.",
    "oneOf": [
        {"type": "array", "items": {"type": "string", "pattern": _NAME}, "minItems": 1, "uniqueItems": True},
        {
            "type": "object",
            "propertyNames": {"pattern": _NAME},
            "additionalProperties": {"type": "integer", "minimum": 1},
        },
    ],
    "examples": [["a", "b"], {"global": 2, "local": 6}],
}

_FORWARD: Schema = {
    "description": "Whether a network sees every view as a batch of its own (separate, the default) or all views of "
    "equal size as one (joint); for all networks, or by network. With batch norm these are different functions.",
    "oneOf": [
        {"enum": ["separate", "joint"]},
        {"type": "object", "additionalProperties": {"enum": ["separate", "joint"]}},
    ],
}

_RECIPES: Schema = {
    "type": "object",
    "description": "Settings that this method changes for a recipe, by the name of the recipe.",
    "additionalProperties": {"type": "object"},
    "examples": [{"toy": {"optimiser": {"lr": 0.1}}}],
}

_PROPERTIES: Schema = {
    "losslang": {"const": 1, "description": "The version of the language."},
    "method": _text("The name of the method, as the command line and other methods (`extends`) know it.", "simsiam")
    | {"pattern": _NAME},
    "title": _text("The title of the paper.", "Exploring Simple Siamese Representation Learning"),
    "paper": _text("Where the paper is.", "arXiv:2011.10566"),
    "notes": _text("Anything worth knowing, such as where the constants come from."),
    "extends": _text("Start from another method: one that ships, or a file beside this one.", "simsiam"),
    "parameters": _entries(
        "Numbers that the command line may set (`--set temperature=0.1`): constants, expressions of constants and "
        "earlier parameters, and schedules.",
        _EXPRESSION,
        {"temperature": 0.1, "momentum": "cosine(0.996, 1)"},
    ),
    "views": _VIEWS,
    "forward": _FORWARD,
    "networks": _entries(
        "The networks: `backbone` (the recipe picks it), mlp, linear, chain, prototypes, ema, frozen, …",
        {"type": "string"},
        {
            "encoder": "backbone",
            "projector": "mlp(2048, 2048, norm=batchnorm)",
            "target": "ema(encoder, momentum=0.99)",
        },
    ),
    "functions": _entries(
        "Primitives of this method's own: `name: |`, and the definition on the lines below.",
        {"type": "string", "pattern": "^\\s*(@|#|def\\s)"},
        {"spread": "def spread(z: [batch, feature], target=1) =\n  mean(relu(target - std(z, over=batch, ddof=1)))"},
    ),
    "define": _entries(
        "Named values, each an expression of the images `x`, networks and other definitions.",
        _EXPRESSION,
        {"z": "projector(encoder(x))", "p": "predictor(z)"},
    ),
    "objective": _entries(
        "The terms of the loss, each a scalar expression; the loss is their sum, and each is logged under its name.",
        _EXPRESSION,
        {"align": "mean(alignment(p[u], stopgrad(z[v])) for u in views for v in views if u != v)"},
    ),
    "recipes": _RECIPES,
}

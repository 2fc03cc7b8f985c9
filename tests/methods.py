"""Methods for tests: small ones, written as text, and those that ship; their losses, compiled once, and slopes of them."""

from copy import deepcopy
from dataclasses import replace
from functools import cache

import losslang
from losslang.diagnostics import Source
from losslang.meaning.evaluate import evaluate, slopes
from losslang.pipeline import load

HEAD = """
network encoder = backbone
network projector = linear({size})
z = projector(encoder(x))
"""


def method(body, *, size=6, views="view a, b", head=HEAD, **options):
    """The typed method of a text with the embedding z [view, batch, feature]; `body` holds definitions and terms."""
    text = f"method test\n{views}\n{head.format(size=size)}\n{body}\n"
    return load(Source("test.loss", text), **options)


def term(expression, **options):
    """A method of one term; definitions may stand before it, each ended by `;`."""
    *definitions, expression = expression.split("; ")
    return method("\n".join([*definitions, f"minimize\n  term: {expression}\n"]), **options)


def typed(expression, **options):
    """The type of an expression, as written: `[batch, feature=6]`."""
    spec = method(f"value = {expression}\nminimize\n  term: mean(z)\n", **options)
    return spec.graph.definitions["value"].type


def slope_along(spec, world, name, direction, step=1e-6):
    """The derivative of the loss as the given value `name` moves along `direction`."""
    moved = lambda by: replace(world, given={**world.given, name: world.given[name] + by * direction})  # noqa: E731
    return sum(slopes(spec, evaluate(spec, world), moved, step).values())


@cache
def shipped(name):
    """A method that ships, typed once."""
    return losslang.load(name)


def compiled(name, **options):
    """What `losslang.compile_loss` gives of a shipped method after seed 0: compiled once, a copy for every test."""
    key = f"{name} {options}"
    if key not in _COMPILED:
        import torch  # this module serves the front end, too

        torch.manual_seed(0)
        _COMPILED[key] = losslang.compile_loss(name, **options)
    return deepcopy(_COMPILED[key])


_COMPILED = {}

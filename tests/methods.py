"""Small methods for tests, written as text."""

from losslang.diagnostics import Source
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

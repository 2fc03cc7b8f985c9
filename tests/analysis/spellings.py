"""Other spellings of a method: the same mathematics, and near misses, made by editing its tree at random."""

from dataclasses import replace

from losslang.analysis.ablation.standalone import inherited
from losslang.diagnostics import Source
from losslang.objective.axes import AXIS_NAMES
from losslang.objective.parameters import ParameterValue
from losslang.pipeline import load, reread
from losslang.syntax.format import write_method
from losslang.syntax.tree import Binary, Call, Index, Keyword, Name, Number, Unary
from losslang.syntax.walk import rewritten, walk


def whole(spec):
    """The tree of a method with everything that it extends."""
    resolved = reread(spec)
    return inherited(resolved, resolved.method.name)


def loaded(method, spelling="loss"):
    """The typed method of a tree, by way of its text."""
    return load(Source(f"rewritten.{spelling}", write_method(method, spelling)))


def edited(method, change, sections=("define", "objective")):
    """A method with a change made at every place of some sections."""
    parts = {
        section: tuple(replace(entry, value=rewritten(entry.value, change)) for entry in getattr(method, section))
        for section in sections
    }
    return replace(method, **parts)


# ---------------------------------------------------------------- names and order


def rename(method, _spec, random):
    """Every term, definition, network and parameter under another name."""
    word = random.choice(["new_", "my_", "other_"])
    both = (*method.define, *method.parameters)
    values = {entry.name: entry.name if entry.name in AXIS_NAMES else word + entry.name for entry in both}
    networks = {entry.name: word + entry.name for entry in method.networks}

    def change(part):
        if isinstance(part, Name) and not part.primes:
            return replace(part, id={**values, **networks}.get(part.id, part.id))
        if isinstance(part, Call) and part.function in networks:
            return replace(part, function=networks[part.function])
        return part

    method = edited(method, change, ("parameters", "networks", "define", "objective"))

    def named(entries, names):
        return tuple(replace(entry, name=names[entry.name]) for entry in entries)

    forward = method.forward
    return replace(
        method,
        parameters=named(method.parameters, values),
        networks=named(method.networks, networks),
        define=named(method.define, values),
        objective=tuple(replace(entry, name=word + entry.name) for entry in method.objective),
        forward=forward if isinstance(forward, str) else named(forward, networks),
    )


def reorder(method, _spec, random):
    """Networks, definitions and terms in another order."""

    def shuffled(entries):
        return tuple(random.sample(entries, len(entries)))

    return replace(
        method,
        networks=shuffled(method.networks),
        define=shuffled(method.define),
        objective=shuffled(method.objective),
    )


# ---------------------------------------------------------------- other spellings


def _sometimes(method, random, fits, change, share=0.5):
    return edited(method, lambda part: change(part) if fits(part) and random.random() < share else part)


def exchange(method, _spec, random):
    """x + y as y + x, x · y as y · x."""

    def fits(part):
        return isinstance(part, Binary) and part.operator in {"+", "*"}

    return _sometimes(method, random, fits, lambda part: replace(part, left=part.right, right=part.left))


def _number(value):
    return Number(value, repr(value))


def detour(method, _spec, random):
    """x - y as x + -y, x / y as x · y^-1, sums and products with what cancels."""

    def fits(part):
        return isinstance(part, Binary) and part.operator in {"-", "/", "*"}

    def change(part):
        if part.operator == "-":
            part = Binary("+", part.left, Unary("-", part.right))
        elif part.operator == "/":
            part = Binary("*", part.left, Binary("^", part.right, _number(-1)))
        way = random.randrange(3)
        if way == 0:
            return Binary("/", Binary("*", part, _number(3)), _number(3))
        return Binary("-", Binary("+", part, _number(1)), _number(1)) if way == 1 else part

    return _sometimes(method, random, fits, change)


def square(method, _spec, random):
    """x² as x · x."""

    def fits(part):
        return isinstance(part, Binary) and part.operator == "^" and part.right == _number(2)

    return _sometimes(method, random, fits, lambda part: Binary("*", part.left, part.left), 0.8)


def literals(method, spec, random):
    """Numbers in the place of parameters."""

    def value(part):
        found = spec.parameters.get(part.id) if isinstance(part, Name) and not part.primes else None
        return found.value if isinstance(found, ParameterValue) and isinstance(found.value, int | float) else None

    return _sometimes(method, random, lambda part: value(part) is not None, lambda part: _number(value(part)), 0.7)


_STATEFUL = {"running", "queue", "memory", "centroids"}


def inline(method, spec, random):
    """Definitions written out where they are used, other than networks' outputs and what is kept across steps."""
    if any(
        isinstance(part, Call) and part.function == "local"
        for entry in _entries(method)
        for part, _ in walk(entry.value)
    ):
        return method  # inside local(…) the rows of a name are grouped, not those of what it is made of
    networks = {entry.name for entry in method.networks}
    whole = {
        entry.name: entry.value
        for entry in method.define
        if not (isinstance(entry.value, Call) and entry.value.function in _STATEFUL | networks)
    }

    def fits(part):
        return isinstance(part, Name) and not part.primes and part.id in whole

    for _ in range(2):
        method = _sometimes(method, random, fits, lambda part: whole[part.id], 0.6)
    return method


def _entries(method):
    return (*method.define, *method.objective)


def _of_one_view(part):
    """Whether a value is one view of something, so that a mean over every axis is that of its rows."""
    while isinstance(part, Call) and part.function == "stopgrad":
        part = part.arguments[0]
    return isinstance(part, Index) and part.index.id in {"a", "b", "u", "v"}


def _call(function, *arguments, **keywords):
    return Call(function, arguments, tuple(Keyword(name, value) for name, value in keywords.items()))


def distances(method, _spec, random):
    """-cos as a product or as half a squared distance less one; a mean square written out."""

    def fits(part):
        named = isinstance(part, Call) and part.function in {"alignment", "mse_alignment"}
        return named and len(part.arguments) == 2 and all(map(_of_one_view, part.arguments))

    def change(part):
        p, z = part.arguments
        if part.function == "mse_alignment":
            return _call("mean", Binary("*", Binary("-", p, z), Binary("-", p, z)))
        p, z = _call("normalize", p), _call("normalize", z)
        if random.random() < 0.5:
            return Unary("-", _call("mean", _call("dot", z, p)))
        return Binary("-", Binary("*", _number(0.5), _call("squared_distance", p, z)), _number(1))

    return _sometimes(method, random, fits, change, 0.8)


def nest(method, _spec, random):
    """One loop over two names as two loops."""

    def fits(part):
        return (
            isinstance(part, Call)
            and len(part.loops) == 2
            and part.condition is None
            and part.function in {"mean", "sum"}
        )

    def change(part):
        inner = replace(part, loops=part.loops[1:])
        return replace(part, arguments=(inner,), loops=part.loops[:1])

    return _sometimes(method, random, fits, change, 0.8)


SPELLINGS = (rename, reorder, exchange, detour, square, literals, inline, distances, nest)


# ---------------------------------------------------------------- near misses


def _once(method, random, fits, change):
    """A change made at one of the places where it fits; None where it fits nowhere."""
    places = [part for entry in _entries(method) for part, _ in walk(entry.value) if fits(part)]
    if not places:
        return None
    at = random.randrange(len(places))
    seen = iter(range(len(places)))

    def one(part):
        return change(part) if fits(part) and next(seen) == at else part

    return edited(method, one)


def mean_or_sum(method, random):
    """A mean as a sum, a sum as a mean."""
    other = {"mean": "sum", "sum": "mean"}
    return _once(
        method,
        random,
        lambda part: isinstance(part, Call) and part.function in other,
        lambda part: replace(part, function=other[part.function]),
    )


def divisor(method, random):
    """Another ddof."""

    def change(part):
        keywords = tuple(replace(k, value=_number(1 - k.value.value)) if k.name == "ddof" else k for k in part.keywords)
        return replace(part, keywords=keywords)

    return _once(
        method, random, lambda part: isinstance(part, Call) and any(k.name == "ddof" for k in part.keywords), change
    )


def released(method, random):
    """A stop-gradient less."""
    return _once(
        method,
        random,
        lambda part: isinstance(part, Call) and part.function == "stopgrad",
        lambda part: part.arguments[0],
    )


def other_number(method, random):
    """Another number."""
    return _once(
        method,
        random,
        lambda part: isinstance(part, Number) and isinstance(part.value, float),
        lambda part: _number(part.value * 1.25),
    )


def squared(method, random):
    """A primitive of unit power squared."""
    hinges = {"variance_hinge", "relu", "alignment", "norm", "logdet", "coding_rate"}
    return _once(
        method,
        random,
        lambda part: isinstance(part, Call) and part.function in hinges,
        lambda part: Binary("^", part, _number(2)),
    )


def centered(method, random):
    """A moment of centered rows in place of raw ones, or the other way round."""
    other = {"second_moment": "cov", "cov": "second_moment", "cross_moment": "cross_cov", "cross_cov": "cross_moment"}

    def change(part):
        function = other[part.function]
        keywords = tuple(k for k in part.keywords if k.name != "ddof")
        if "cov" in function:
            keywords = (*keywords, Keyword("ddof", _number(0)))
        return replace(part, function=function, keywords=keywords)

    return _once(method, random, lambda part: isinstance(part, Call) and part.function in other, change)


MISSES = (mean_or_sum, divisor, released, other_number, squared, centered)

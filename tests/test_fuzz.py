"""Whatever a file holds, `check` ends with diagnostics or success: no traceback, no hang, no place outside the text.

Where the files come from: arbitrary bytes; shipped specs with a few mutations of bytes, words, lines and keys; two specs
spliced together; a sound method whose definitions, terms and networks are random expressions over its own names; and
last, what is no file at all, and files too large to keep in the corpus.

The default is small enough for every run of the tests. `LOSSLANG_FUZZ=full pytest -s tests/test_fuzz.py` tries a hundred
times as many cases and prints at the end how many there were, how they ended and which took longest (some four
minutes); `LOSSLANG_FUZZ=500` sets the number of examples of each test.
"""

import os
import re
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from losslang import pipeline
from losslang.diagnostics import Source
from losslang.diagnostics.codes import all_codes
from losslang.diagnostics.render import render_json, render_text
from losslang.library import shipped_library
from losslang.objective.axes import AXIS_NAMES
from losslang.objective.constructors import CONSTRUCTORS
from losslang.objective.operations import OPERATIONS, SPELLED_WITH_SIGNS
from losslang.shipped import shipped_specs
from losslang.syntax.format import format_text
from tests.soon import PATIENCE

MODE = os.environ.get("LOSSLANG_FUZZ", "")
EXAMPLES = 3000 if MODE == "full" else int(MODE or 25)
LIMIT = 2.0  # seconds that `check` may take, whatever it is given

fuzzed = settings(
    max_examples=EXAMPLES,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)


# ---------------------------------------------------------------- what must hold


@dataclass
class Tally:
    """How many files were checked, how they ended, and the slowest of them."""

    ends: Counter[str] = field(default_factory=Counter)
    codes: Counter[str] = field(default_factory=Counter)
    slowest: float = 0.0
    text: bytes = b""


@pytest.fixture(scope="module")
def tally():
    counted = Tally()
    yield counted
    if MODE:
        print(f"\n{sum(counted.ends.values())} files: {dict(counted.ends)}")
        print(f"{len(counted.codes)} codes: {dict(counted.codes.most_common())}")
        print(f"slowest {counted.slowest:.3f} s, {len(counted.text)} bytes: {counted.text[:2000]!r}")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("fuzz")


@pytest.fixture(scope="module", autouse=True)
def warm():
    """The grammar, the library and the list of specs are read once per process, and not counted."""
    pipeline.check(next(iter(shipped_specs().values())))


def examine(path, data, tally):
    """Check one file, and everything that must hold of the answer."""
    path.write_bytes(data)
    start = time.process_time()
    found = pipeline.check(path)
    text = render_text(found)
    seconds = time.process_time() - start

    assert render_json(found).endswith("\n")
    assert bool(text) == bool(found)
    assert "\x1b" not in text
    for diagnostic in found:
        assert diagnostic.code in all_codes()
        assert diagnostic.message
        for span in (diagnostic.span, *(label.span for label in diagnostic.labels)):
            assert 0 <= span.start <= span.end <= len(span.source.text)

    wrong = any(diagnostic.is_error for diagnostic in found)
    tally.ends["errors" if wrong else "warnings" if found else "clean"] += 1
    tally.codes.update({diagnostic.code for diagnostic in found})
    if seconds > tally.slowest:
        tally.slowest, tally.text = seconds, data
    assert seconds < PATIENCE * LIMIT
    return wrong


# ---------------------------------------------------------------- random expressions, well formed and seldom well typed

METHOD = """\
losslang: 1
method: fuzzed
views: {{global: 2, local: 2, extra: 1}}
parameters:
  size: 8
  weight: 0.5
  temperature: linear(0.04, 0.07, epochs=30, every=epoch)
  sharp: 1 / temperature
networks:
  encoder: backbone
  projector: mlp(16, size, norm=batchnorm)
  predictor: mlp(4, 9)
  codebook: prototypes(5, rows=weight_norm)
  target: ema(chain(encoder, projector), momentum=cosine(0.9, 1))
functions:
  spread: |
    @role(decentering)
    def spread(z: [batch, feature], power=2, over=batch) =
        c = z - mean(z, over=over)
        mean(c ^ power)
define:
  h: encoder(x)
  z: projector(h)
  p: predictor(z)
  t: target(x[global])
  s: codebook(z)
  c: cov(z, ddof=1)
  center: running(mean(t, over=[view, batch]), momentum=0.9, read=before)
  earlier: queue(z[global], size=6, read=before)
  y: {y}
  w: {w}
objective:
  one: {one}
  two: {two}
"""

VALUES = "x h z p t s c center earlier y w size weight temperature sharp u v".split()
VIEWS = "global local extra views u v nowhere".split()
AXES = [*sorted(AXIS_NAMES - {"item"}), "batch'", "feature'", "view'", "none", "nowhere"]
NUMBERS = "0 1 2 3 0.5 1e-4 64 7.5 100000 1e38 9223372036854775807".split()
SIGNS = "+ - * / ^ + - * == != < <= > >= and or".split()
CALLS = {name: row for name, row in OPERATIONS.items() if name not in SPELLED_WITH_SIGNS}
NETWORKS = ["encoder", "projector", "predictor", "codebook", "target", "nothing"]

often = st.integers(0, 9).map(bool)  # true nine times of ten


@st.composite
def axes(draw):
    one = st.sampled_from(AXES)
    return draw(st.one_of(one, one, st.lists(one, min_size=1, max_size=3).map(lambda many: f"[{', '.join(many)}]")))


@st.composite
def option(draw, kind, choices, depth):
    if not draw(often):
        return draw(expression(depth=depth - 1))
    if kind in {"axes", "axis"}:
        return draw(axes())
    if choices:
        return draw(st.sampled_from(choices))
    if kind in {"integer", "number"}:
        return draw(st.sampled_from([*NUMBERS, "size", "size(z, batch)", "temperature"]))
    return draw(expression(depth=depth - 1))


@st.composite
def operation(draw, depth):
    name = draw(st.sampled_from(sorted(CALLS)))
    given = []
    for parameter in CALLS[name].parameters:
        needed = parameter.default is None and not parameter.optional
        if not needed and draw(st.booleans()):
            continue
        spelled = draw(option(parameter.kind, parameter.choices, depth))
        bare = parameter.name in {"x", "y", "count", "start", "stop"} and not any("=" in one for one in given)
        given.append(spelled if bare else f"{parameter.name}={spelled}")
    return f"{name}({', '.join(given)})"


@st.composite
def definition(draw, depth):
    library = shipped_library()
    name = draw(st.sampled_from([*sorted(library), "spread"]))
    parameters = library[name].parameters if name in library else ()
    given = [draw(expression(depth=depth - 1)) for each in parameters if each.default is None] or ["z"]
    for each in parameters:
        if each.default is not None and draw(st.integers(0, 3)) == 0:
            value = draw(axes() if each.name in {"over", "pairs", "axis"} else st.sampled_from(NUMBERS))
            given.append(f"{each.name}={value}")
    return f"{name}({', '.join(given)})"


@st.composite
def loop(draw, depth):
    reducer = draw(st.sampled_from(["mean", "sum", "max", "logsumexp", "mean", "norm"]))
    body = draw(expression(depth=depth - 1))
    view = st.sampled_from(VIEWS)
    two = draw(st.booleans())
    loops = f"for u in {draw(view)}" + (f" for v in {draw(view)}" if two else "")
    comparison = st.builds("{} {} {}".format, view, st.sampled_from(["!=", "==", "<", ">="]), view)
    condition = st.one_of(comparison, st.builds("not ({}) or {}".format, comparison, comparison), expression(depth=1))
    return f"{reducer}({body} {loops}{' if ' + draw(condition) if draw(st.booleans()) else ''})"


@st.composite
def expression(draw, depth=4):
    """A well-formed expression: shallow ones are names, numbers and views."""
    shape = draw(st.sampled_from(SHAPES if depth > 0 else ["name", "view", "number"]))
    return FORMS[shape](draw, depth)


def pick(draw, choices):
    return draw(st.sampled_from(choices))


def inner(draw, depth):
    return draw(expression(depth=depth - 1))


ODD = "[z, p]|'text'|cosine(0, 1)|mlp(4)|f(z)|z(z)|features(encoder)|batch|batch'|true|none|x'".replace(
    "'text'", '"text"'
)
SHAPES = (
    "name view view sign sign minus not operation operation operation definition definition network loop loop index"
    " size same local number odd"
).split()
FORMS = {
    "name": lambda draw, _: pick(draw, VALUES),
    "number": lambda draw, _: pick(draw, NUMBERS),
    "view": lambda draw, _: f"{pick(draw, VALUES[:11])}[{pick(draw, VIEWS[:6])}]",
    "odd": lambda draw, _: pick(draw, ODD.split("|")),
    "index": lambda draw, depth: f"({inner(draw, depth)})[{pick(draw, VIEWS) if draw(often) else inner(draw, depth)}]",
    "sign": lambda draw, depth: f"({inner(draw, depth)}) {pick(draw, SIGNS)} ({inner(draw, depth)})",
    "minus": lambda draw, depth: f"-({inner(draw, depth)})",
    "not": lambda draw, depth: f"(not ({inner(draw, depth)}))",
    "operation": lambda draw, depth: draw(operation(depth)),
    "definition": lambda draw, depth: draw(definition(depth)),
    "network": lambda draw, depth: f"{pick(draw, NETWORKS)}({inner(draw, depth)})",
    "loop": lambda draw, depth: draw(loop(depth)),
    "size": lambda draw, depth: f"size({inner(draw, depth)}, {draw(axes())})",
    "same": lambda draw, _: f"same({draw(axes())})",
    "local": lambda draw, depth: f"local({inner(draw, depth)}, rows={pick(draw, NUMBERS)}, shuffle=true)",
}


def folded(text):
    """In block style, so that YAML has nothing to say about it."""
    return f"|\n    {text}"


@fuzzed
@given(st.tuples(expression(), expression(), expression(), expression()))
def test_random_expressions(folder, tally, expressions):
    y, w, one, two = (folded(each) for each in expressions)
    examine(folder / "m.yaml", METHOD.format(y=y, w=w, one=one, two=two).encode(), tally)


@fuzzed
@given(expression())
def test_one_random_expression(folder, tally, text):
    """Alone, so that no other entry's error hides what a later stage does with it."""
    data = METHOD.format(y="z[global]", w="spread(z)", one=folded(f"mean({text})"), two="mean(w)")
    examine(folder / "m.yaml", data.encode(), tally)


@st.composite
def constructor(draw, depth=3):
    if depth == 0 or not draw(often):
        return draw(
            st.sampled_from([*NUMBERS, *CONSTRUCTORS, "size", "weight", "temperature", "one", "features(one)", "z"])
        )
    row = CONSTRUCTORS[draw(st.sampled_from(sorted(CONSTRUCTORS)))]
    part = constructor(depth=depth - 1)
    given = [draw(part) for _ in range(draw(st.integers(0, 3)))]
    words = [
        "batchnorm",
        "batchnorm(affine=false)",
        "relu",
        "true",
        "free",
        "0.9",
        "cosine(0.9, 1)",
        "iternorm",
        "nothing(1)",
    ]
    options = [name for name in row.options if draw(st.booleans())]
    given += [f"{name}={draw(st.one_of(st.sampled_from(words), part))}" for name in options]
    return f"{row.name}({', '.join(given)})"


PARTS = """\
losslang: 1
method: fuzzed
parameters: {{size: 8, weight: 0.5, temperature: "linear(0, 1, epochs=3)"}}
networks:
  encoder: backbone
  one: {one}
  two: {two}
define:
  h: encoder(x)
  z: one(h)
  p: two(z)
objective:
  align: {align}
"""


@fuzzed
@given(
    constructor(),
    constructor(),
    st.sampled_from(["alignment(p[a], z[b])", "mean(two(p))", "mean(one(x)) + mean(two(two(x)))"]),
)
def test_random_networks(folder, tally, one, two, align):
    examine(folder / "m.yaml", PARTS.format(one=folded(one), two=folded(two), align=align).encode(), tally)


# ---------------------------------------------------------------- arbitrary bytes

MARKS = [
    *"{}[]()|>&*!%#:,-?'\"`@\\\n\t =^+_.0179aezxλ",
    "losslang: 1\n",
    "method: m\n",
    "  ",
    "\r\n",
    "\0",
    "\ufeff",
    "\x1b[31m",
]
soup = st.lists(st.one_of(st.sampled_from(MARKS), st.sampled_from(VALUES), st.characters()), max_size=80)
scraps = st.one_of(st.binary(max_size=400), soup.map(lambda parts: "".join(parts).encode("utf-8", "surrogatepass")))


@fuzzed
@given(scraps, st.sampled_from(["m.yaml", "m.loss"]))
def test_arbitrary_bytes(folder, tally, data, name):
    examine(folder / name, data, tally)


@fuzzed
@given(scraps, st.sampled_from(["y", "w", "one", "two"]))
def test_arbitrary_bytes_as_an_expression(folder, tally, data, place):
    """The rest of the file is sound, so that the entry is reached."""
    sound = {"y": "z[global]", "w": "spread(z)", "one": "mean(w)", "two": "mean(z ^ 2)", place: "HERE"}
    examine(folder / "m.yaml", METHOD.format(**sound).encode().replace(b"HERE", data), tally)


# ---------------------------------------------------------------- mutated specs


def in_both_spellings(path):
    text = Path(path).read_text(encoding="utf-8")
    return {"m.yaml": text, "m.loss": format_text(Source(str(path), text), "loss")}


SPECS = {name: in_both_spellings(path) for name, path in shipped_specs().items()}
EXTREME = (
    "0 -1 -0 1e999 1e-999 1e308 9223372036854775807 9223372036854775808 10^10^10 0.5 1_000 012 0x10 .5 5. 1e5 nan inf"
    " 100000 1:30"
).split()
KEYS = "losslang method title paper notes extends parameters views forward networks functions define objective recipes".split()
TOKEN = re.compile(r"\w+|\s+|[^\w\s]")
WORDS = [
    *KEYS,
    *CALLS,
    *CONSTRUCTORS,
    *VALUES,
    *VIEWS,
    *AXES,
    *EXTREME,
    "null",
    "for",
    "in",
    "if",
    "not",
    "==",
    "=",
    ":",
    "{",
    "[",
    "(",
    ")",
]


def token_mutation(draw, text):
    tokens = TOKEN.findall(text)
    at, other = (draw(st.integers(0, len(tokens) - 1)) for _ in range(2))
    match draw(st.sampled_from(["delete", "double", "swap", "replace", "insert"])):
        case "delete":
            del tokens[at]
        case "double":
            tokens.insert(at, tokens[at])
        case "swap":
            tokens[at], tokens[other] = tokens[other], tokens[at]
        case "replace":
            tokens[at] = draw(st.sampled_from(WORDS))
        case _:
            tokens.insert(at, draw(st.sampled_from(WORDS)))
    return "".join(tokens)


def line_mutation(draw, text):
    lines = text.splitlines(keepends=True)
    at, other = (draw(st.integers(0, len(lines) - 1)) for _ in range(2))
    match draw(st.sampled_from(["delete", "double", "move", "indent"])):
        case "delete":
            del lines[at]
        case "double":
            lines.insert(other, lines[at])
        case "move":
            lines.insert(other, lines.pop(at))
        case _:
            lines[at] = draw(st.sampled_from(["", " ", "    ", "\t"])) + lines[at].lstrip()
    return "".join(lines)


def number_mutation(draw, text):
    numbers = list(re.finditer(r"\d[\d.e-]*", text))
    if not numbers:
        return text
    chosen = draw(st.sampled_from(numbers))
    return text[: chosen.start()] + draw(st.sampled_from(EXTREME)) + text[chosen.end() :]


def name_mutation(draw, text):
    """One name everywhere: a key, a parameter, a network."""
    old = draw(st.sampled_from(sorted({"losslang", *re.findall(r"[a-z_]\w*", text)})))
    new = draw(st.sampled_from([*WORDS, old[:-1] or "q", old + "s"]))
    return re.sub(rf"\b{old}\b", lambda _: new, text, count=draw(st.integers(0, 2)))


MUTATIONS = [token_mutation, token_mutation, line_mutation, number_mutation, name_mutation]


@st.composite
def mutated(draw):
    name = draw(st.sampled_from(["m.yaml", "m.loss"]))
    text = draw(st.sampled_from(sorted(SPECS)).map(lambda spec: SPECS[spec][name]))
    for _ in range(draw(st.integers(1, 4))):
        text = draw(st.sampled_from(MUTATIONS))(draw, text) or "x"
    return name, text


@fuzzed
@given(mutated())
def test_mutated_specs(folder, tally, named):
    name, text = named
    examine(folder / name, text.encode(), tally)


@fuzzed
@given(st.sampled_from(sorted(SPECS)), st.sampled_from(["m.yaml", "m.loss"]), st.data())
def test_flipped_bytes(folder, tally, spec, name, data):
    text = bytearray(SPECS[spec][name].encode())
    for _ in range(data.draw(st.integers(1, 3))):
        text[data.draw(st.integers(0, len(text) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    examine(folder / name, bytes(text), tally)


@fuzzed
@given(st.sampled_from(sorted(SPECS)), st.sampled_from(sorted(SPECS)), st.sampled_from(["m.yaml", "m.loss"]), st.data())
def test_spliced_specs(folder, tally, one, two, name, data):
    """The first lines of one, then the last lines of another."""
    head, tail = SPECS[one][name].splitlines(keepends=True), SPECS[two][name].splitlines(keepends=True)
    cut, again = data.draw(st.integers(0, len(head))), data.draw(st.integers(0, len(tail)))
    examine(folder / name, "".join(head[:cut] + tail[again:]).encode(), tally)


# ---------------------------------------------------------------- what is no file, and files too large to keep

HEAD = "losslang: 1\nmethod: m\nextends: simsiam\n"
LARGE = {
    "a megabyte of a text": HEAD + "notes: " + "word " * 200_000,
    "a megabyte of an expression": HEAD + "objective:\n  a: mean(z)" + " + mean(z)" * 100_000,
    "a megabyte without a line break": "x" * 1_000_000,
    "a megabyte of line breaks": "\n" * 1_000_000,
    "a list of a hundred thousand": HEAD + "views: [" + "a, " * 100_000 + "a]",
    "a hundred thousand lines": HEAD + "define:\n" + "".join(f"  q{i}: z\n" for i in range(100_000)),
    "just short enough, brackets": (HEAD + "objective:\n  a: " + "(" * 65_000)[:65_500],
    "just short enough, a list": (HEAD + "views: [" + "a, " * 30_000)[:65_500] + "]",
    "just short enough, keys": (HEAD + "define: {" + "a, " * 30_000)[:65_500] + "}",
    "just short enough, unknown keys": (HEAD + "".join(f"k{i}:\n" for i in range(9_000)))[:65_500],
    "just short enough, quotes": (HEAD + "notes: " + "'" * 65_000)[:65_500],
    "just short enough, spaces": (HEAD + "define:\n" + " " * 65_000)[:65_500],
    "just short enough, comments": (HEAD + "#\n" * 33_000)[:65_500],
    "just short enough, wrong terms": (HEAD + "objective:\n" + "".join(f"  q{i}: z[z] +\n" for i in range(9_000)))[
        :65_500
    ],
    "just short enough, statements": ("method m\n" + "nothing\n" * 9_000)[:65_500],
    "just short enough, open strings": ("method m\n" + 'title "\n' * 9_000)[:65_500],
    "just short enough, dashes": (HEAD + "define:\n" + "- " * 33_000)[:65_500],
    "just short enough, indices": (HEAD + "objective:\n  a: mean(z" + "[a]" * 22_000)[:65_500],
    "just short enough, primes": (HEAD + "objective:\n  a: mean(z" + "'" * 65_000)[:65_500],
}


@pytest.mark.parametrize("name", ["m.yaml", "m.loss"])
@pytest.mark.parametrize("text", LARGE.values(), ids=LARGE.keys())
def test_large_files(folder, tally, text, name):
    examine(folder / name, text.encode(), tally)


def ends_with(path, code):
    start = time.process_time()
    found = pipeline.check(path)
    assert time.process_time() - start < LIMIT
    assert [diagnostic.code for diagnostic in found] == [code]
    assert render_text(found)


def test_what_is_no_file(tmp_path):
    (tmp_path / "folder.yaml").mkdir()
    (tmp_path / "circle.yaml").symlink_to("circle.yaml")
    (tmp_path / "nowhere.yaml").symlink_to("gone.yaml")
    (tmp_path / "zero.yaml").symlink_to("/dev/zero")
    os.mkfifo(tmp_path / "pipe.yaml")  # opening it would wait for a writer
    for name in ["missing", "folder", "circle", "nowhere", "zero", "pipe", "folder.yaml/below", "n" * 300, "nul\0"]:
        ends_with(tmp_path / f"{name}.yaml", "E501")


@pytest.mark.parametrize("name", ["m.txt", "m", "m.yaml.bak", "m.py", ".yaml"])
def test_other_endings(tmp_path, name):
    (tmp_path / name).write_text(HEAD, encoding="utf-8")
    ends_with(tmp_path / name, "E518")


@pytest.mark.parametrize("base", ["circle", "folder", "pipe", "zero", "nowhere"])
def test_extends_what_is_no_file(tmp_path, base):
    (tmp_path / "folder.yaml").mkdir()
    (tmp_path / "circle.yaml").symlink_to("circle.yaml")
    (tmp_path / "nowhere.yaml").symlink_to("gone.yaml")
    (tmp_path / "zero.yaml").symlink_to("/dev/zero")
    os.mkfifo(tmp_path / "pipe.yaml")
    path = tmp_path / "m.yaml"
    path.write_text(f"losslang: 1\nmethod: m\nextends: {base}\n", encoding="utf-8")
    start = time.process_time()
    found = pipeline.check(path)
    assert time.process_time() - start < LIMIT
    assert {diagnostic.code for diagnostic in found} <= {"E222", "E501"}
    assert found


def test_a_long_chain_of_extends(tmp_path):
    for at in range(200):
        text = f"losslang: 1\nmethod: m{at}\nextends: m{at + 1}\n"
        (tmp_path / f"m{at}.yaml").write_text(text, encoding="utf-8")
    start = time.process_time()
    found = pipeline.check(tmp_path / "m0.yaml")
    assert time.process_time() - start < LIMIT
    assert len(found) == 1

"""Libraries: an index without parsing, and definitions one by one."""

import re
from importlib import resources

from losslang.diagnostics import Report, Source
from losslang.library import FILES, shipped_library
from losslang.syntax.definitions import _definitions, index_definitions, parse_definition
from losslang.syntax.fragment import Fragment

LIBRARY = Source(
    "library.loss",
    '''# The first.
@role(decentering, mechanism=variance)
@role(a,
  b)
def hinge(z: [batch, feature], eps=1e-4) =
    """Text with
def no(x) = 1
    in it"""
    relu(1 - std(z, ddof=1, eps=eps))  # def nor(x) = "this"

# def commented(x) = x
def power(x) = x^2
@role(other)

# A comment between.
def last(z) =
    m = mean(z)

    z - m
''',
)


def test_the_index_finds_what_reading_finds():
    report = Report()
    definitions = {each.name: each for each in _definitions(Fragment.whole(LIBRARY), report)}
    index = index_definitions(LIBRARY)
    assert not report.diagnostics
    assert list(index) == list(definitions) == ["hinge", "power", "last"]
    for name, fragment in index.items():
        alone = parse_definition(fragment, report)
        assert not report.diagnostics
        assert (alone.name, alone.body, alone.parameters) == (
            name,
            definitions[name].body,
            definitions[name].parameters,
        )
        assert alone.body.span == definitions[name].body.span
    assert [role.names for role in parse_definition(index["hinge"], report).roles] == [("decentering",), ("a", "b")]


def test_a_library_holds_definitions_only():
    report = Report()
    definitions = _definitions(Fragment.whole(Source("l", "def f(x) = x\ny = 2\ndef g(x) = y\n")), report)
    assert [each.code for each in report.sorted()] == ["E149"]
    assert [each.name for each in definitions] == ["f", "g"]


def test_the_shipped_library_has_every_name_once():
    texts = (resources.files("losslang.library").joinpath(file).read_text(encoding="utf-8") for file in FILES)
    assert sorted(re.findall(r"^def (\w+)", "\n".join(texts), re.MULTILINE)) == sorted(shipped_library())

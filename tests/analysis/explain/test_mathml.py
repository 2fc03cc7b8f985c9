"""Formulas in MathML: well formed, in the elements of MathML Core, with the same signs as the Unicode form."""

import re
import unicodedata
import xml.etree.ElementTree as ET

import pytest

from losslang.analysis.explain.notation.formula import Numeral, Product, Quotient, Scripted, Sum, Symbol
from losslang.analysis.explain.notation.mathml import mathml, mathml_block
from losslang.analysis.explain.notation.unicode import unicode
from losslang.questions import explanation
from losslang.shipped import shipped_specs

CORE = {
    *("math mrow mi mo mn mtext mspace msub msup msubsup munder mover mfrac msqrt mtable mtr mtd".split())
}  # fmt: skip
ARGUMENTS = {"msub": 2, "msup": 2, "msubsup": 3, "munder": 2, "mover": 2, "mfrac": 2}
TOKENS = {"mi", "mo", "mn", "mtext"}


def checked(text):
    """The tree of a formula, if it is MathML."""
    tree = ET.fromstring(text)
    for element in tree.iter():
        assert element.tag in CORE
        assert len(element) == ARGUMENTS.get(element.tag, len(element)), element.tag
        if element.tag not in TOKENS:
            assert not (element.text or "").strip(), f"loose text in {element.tag}: {element.text}"
        assert not (element.tail or "").strip(), f"loose text behind {element.tag}: {element.tail}"
    return tree


def signs(text):
    """Letters and digits, the same in every spelling of a formula."""
    text = unicodedata.normalize(
        "NFKD", re.sub(r"unit\(|ᵀ", "(", text)
    )  # a hat in the other; and ⊤, which is no letter
    return sorted(c for c in text if c.isalnum())


@pytest.mark.parametrize("name", shipped_specs())
def test_every_shipped_method(name):
    found = explanation(name)
    statements = [*found.terms, *found.definitions]
    statements += [s for p in found.primitives for s in (p.statement, *p.bindings)]
    checked(mathml_block([statement.equation for statement in statements]))
    for statement in statements:
        shown = "".join(checked(mathml(statement.right)).itertext())
        assert signs(shown) == signs(unicode(statement.right))


def test_forms():
    a, b = Symbol("alpha"), Symbol("b_s")
    assert mathml(Quotient(a, b)) == (
        "<math><mrow><mfrac><mrow><mi>α</mi></mrow><mrow><msub><mi>b</mi><mi>s</mi></msub></mrow></mfrac></mrow></math>"
    )
    assert "<mo>−</mo>" in mathml(Sum(((False, a), (True, b))))
    assert mathml(Numeral("5e-3")).count("<mn>") == 3
    assert "<msubsup>" in mathml(Scripted(Symbol("z"), (Symbol("i"),), (Symbol("a"),)))


def test_long_sums_break_into_rows():
    one = Product(tuple(Symbol(letter) for letter in "abcdefgh"))
    tree = checked(mathml_block([(Symbol("loss"), "=", Sum(tuple((False, one) for _ in range(12))))]))
    assert len(tree.findall(".//mtr")) > 1


def test_what_browsers_would_take_for_tags_is_escaped():
    assert "&lt;" in mathml_block([(Symbol("i"), "<", Symbol("j"))])

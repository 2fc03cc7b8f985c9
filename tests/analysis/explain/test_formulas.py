"""Every method and every function has a formula, in both forms; and what each kind of expression looks like."""

import re

import pytest

from losslang.analysis.explain.explanation import primitive
from losslang.analysis.explain.formulas.library import ROWS as NOTATIONS
from losslang.analysis.explain.formulas.library import STANDARD
from losslang.analysis.explain.formulas.operations import ROWS
from losslang.analysis.explain.formulas.scene import method_scene
from losslang.analysis.explain.notation.latex import latex, latex_block
from losslang.analysis.explain.notation.unicode import unicode, unicode_lines
from losslang.library import shipped_library
from losslang.objective.operations import OPERATIONS, SPELLED_WITH_SIGNS
from losslang.pipeline import load, reread
from tests.analysis.explain.methods import NAMES, explained, shipped, statements


def balanced(text, pairs):
    depth = 0
    for character in text:
        depth += (character in pairs[0]) - (character in pairs[1])
        assert depth >= 0
    return depth == 0


def check(formula):
    plain, tex = unicode(formula), latex(formula)
    assert "…" not in plain
    assert not re.search(r"[\x00-\x1f]", plain + tex)
    assert balanced(plain, ("([{⟨", ")]}⟩"))
    assert balanced(tex, ("{", "}"))
    assert tex.count(r"\left") - tex.count(r"\leftarrow") == tex.count(r"\right")
    assert not re.search(r"\\[_{,;!]", tex)  # Markdown would take the backslash away
    assert not re.search(r"_\{[^{}]*\}_|\^\{[^{}]*\}\^", tex)


@pytest.mark.parametrize("name", NAMES)
def test_every_method_has_formulas(name):
    for statement in statements(shipped(name)):
        check(statement.left)
        check(statement.right)
        latex_block([statement.equation])


def test_every_function_of_the_library_has_a_formula():
    spec = load("simsiam")
    scene = method_scene(spec, reread(spec))
    for row in shipped_library().values():
        found = primitive(scene, row)
        for statement in (found.statement, *found.bindings):
            check(statement.left)
            check(statement.right)


def test_every_operation_has_a_row():
    assert set(ROWS) == set(OPERATIONS) - SPELLED_WITH_SIGNS


def test_notations_are_of_functions_there_are():
    assert {*NOTATIONS, *STANDARD} <= set(shipped_library())


# ---------------------------------------------------------------- single forms


def term(expression, definitions=""):
    (found,) = explained(f"{definitions}\nminimize\n  t: {expression}\n").terms
    return unicode(found.right)


@pytest.mark.parametrize(
    ("expression", "written"),
    [
        ("mean(z)", "𝔼ᵥᵢₖ zᵛᵢₖ"),
        ("mean(z[a])", "𝔼ᵢₖ zᵃᵢₖ"),
        ("max(mean(z[u] * z[v]) for u in views for v in views if u < v)", "max_{u<v} 𝔼ᵢₖ zᵘᵢₖ zᵛᵢₖ"),
        ("sum(mean(z[a], over=batch)^2)", "‖𝔼ᵢ zᵃᵢ‖²"),
        ("mean(var(z[a], over=batch, ddof=0))", "𝔼ₖ Varᵢ zᵃᵢₖ"),
        ("mean(var(z[a], over=batch, ddof=1))", "𝔼ₖ Var⁽ⁿ⁻¹⁾ᵢ zᵃᵢₖ"),
        ("mean(relu(1 - std(z[a], over=batch, ddof=0)))", "𝔼ₖ [1 − √(Varᵢ zᵃᵢₖ)]₊"),
        ("mean(abs(z[a] - z[b]))", "𝔼ᵢₖ |zᵃᵢₖ − zᵇᵢₖ|"),
        ("mean(norm(z[a] - z[b], over=feature))", "𝔼ᵢ ‖zᵃᵢ − zᵇᵢ‖"),
        ("norm(cov(z[a], ddof=0))", "‖Cov(zᵃ)‖_F"),
        ("mean(max(z[a], over=feature))", "𝔼ᵢ maxₖ zᵃᵢₖ"),
        ("mean(logsumexp(z[a], over=feature))", "𝔼ᵢ log Σₖ exp zᵃᵢₖ"),
        ("mean(z[a] * softmax(z[b]))", "𝔼ᵢₖ zᵃᵢₖ · softmax(zᵇᵢ)ₖ"),
        ("mean(dot(z[a], stopgrad(z[b])))", "𝔼ᵢ ⟨zᵃᵢ, sg(zᵇᵢ)⟩"),
        ("mean(dot(z[a], roll(z[b], 2)))", "𝔼ᵢ ⟨zᵃᵢ, zᵇᵢ₋₂⟩"),
        ("mean(sort(z[a], over=batch) * z[b])", "𝔼ᵢₖ sort(zᵃₖ)ᵢ · zᵇᵢₖ"),
        ("logdet(same(feature) + second_moment(z[a]))", "log det(I + second_moment(zᵃ))"),
        ("sum(cov(z[a], ddof=0) * same(feature))", "Σₖₗ Cov(zᵃ)ₖₗ · δₖₗ"),
        ("trace(cov(z[a], ddof=0) * same(feature))", "tr(Cov(zᵃ) ⊙ I)"),
        ("sum(offdiag(cov(z[a], ddof=0))^2)", "Σ_{k≠l} Cov(zᵃ)ₖₗ²"),
        ("mean(offdiag(cov(z[a], ddof=0))^2)", "𝔼ₖₗ offdiag(Cov(zᵃ))ₖₗ²"),
        ("mean(similarity(z[a], z[b]), where=not same(batch))", "𝔼_{i≠j} sim(zᵃᵢ, zᵇⱼ)"),
        ("mean(similarity(z[a], z[b]), where=same(batch))", "𝔼ᵢ₌ⱼ sim(zᵃᵢ, zᵇⱼ)"),
        ("size(z, batch) / size(z, feature) * mean(z)", "(n/d) 𝔼ᵥᵢₖ zᵛᵢₖ"),
        ("mean(first(z[a], 2))", "𝔼ᵢₖ (zᵃ_{i, 1:2})ₖ"),
        ("mean(maximum(z[a], z[b]))", "𝔼ᵢₖ max(zᵃᵢₖ, zᵇᵢₖ)"),
        ("mean(tanh(z[a]) * sin(z[b]))", "𝔼ᵢₖ (tanh zᵃᵢₖ) sin zᵇᵢₖ"),
        ("mean(z, where=z > 0)", "𝔼_{zᵛᵢₖ>0} zᵛᵢₖ"),
        ("local(mean(z[a]), rows=4)", "𝔼_{groups of 4 rows} 𝔼ᵢₖ zᵃᵢₖ"),
        ("mean(mean(centered(z[v])) for v in views)", "𝔼ᵥ 𝔼ᵢₖ centered(zᵛ)ᵢₖ"),
        ("logsumexp(mean(z[v]) for v in views)", "log Σᵥ exp 𝔼ᵢₖ zᵛᵢₖ"),
        ("2 * mean(z) / 3", "(2/3) 𝔼ᵥᵢₖ zᵛᵢₖ"),
    ],
)
def test_term(expression, written):
    assert term(expression) == written


def test_indices_keep_clear_of_names():
    plain = term("mean(dot(k[a], k[b], over=batch)) + mean(k)", "k = z\ni = normalize(z)")
    assert "k" in plain
    assert "Σⱼ" in plain


def test_long_formulas_break_at_sums():
    parts = " + ".join(f"mean(z[a]^{n})" for n in range(2, 14))
    (found,) = explained(f"minimize\n  t: {parts}\n").terms
    lines = unicode_lines(found.right, 60)
    assert len(lines) > 2
    assert all(len(line) <= 64 for line in lines)
    assert all(line.lstrip().startswith("+") for line in lines[1:])
    assert "".join(line.strip() + " " for line in lines).strip() == unicode(found.right)
    assert latex_block([found.equation]).startswith(r"\begin{aligned}")


def test_a_size_whose_letter_is_taken_is_written_out():
    assert term("size(n, batch) * mean(n)", "n = z") == "size(batch) · 𝔼ᵥᵢₖ nᵛᵢₖ"


def test_axes_named_in_a_call_are_told():
    body = "q = softmax(z, over=feature)\nminimize\n  t: cross_entropy(q[a], q[b], over=feature)\n"
    (found,) = explained(body).terms
    assert unicode(found.right) == "cross_entropy(qᵃ, qᵇ, over feature)"
    assert latex(found.right).endswith(r"\text{over feature})")

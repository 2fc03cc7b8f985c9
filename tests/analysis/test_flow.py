"""The flow of the scales of a cloud, and what the verdict makes of it."""

import numpy as np
import pytest

from losslang.analysis.embeddings.stage import FEATURES
from losslang.analysis.foresight.cloud import Cloud
from losslang.analysis.foresight.flow import Start, flow, start_of
from losslang.analysis.structure.branches import predictors
from losslang.analysis.structure.subject import Subject
from losslang.diagnostics import Report, Source
from losslang.pipeline import compile_source, load
from losslang.questions import stability

HEAD = (
    "method test\nnetwork encoder = backbone\nnetwork projector = mlp(64, 16{norm})\n{more}z = projector(encoder(x))\n"
)
PREDICTED = "p = predictor(z)\n"
PAIRS = "for u in views for v in views if u != v)"
ALIGN = f"mean(alignment({{}}, {{}}) {PAIRS}"


def text(terms, *, more="", defined="", norm=", norm=batchnorm"):
    return HEAD.format(norm=norm, more=more) + defined + "minimize\n" + "".join(f"  {t}\n" for t in terms)


def small(method):
    return compile_source(Source("test.loss", method), Report(), cap=FEATURES)


def verdict(method):
    return stability(load(Source("test.loss", method)))


BARE = text([f"align: {ALIGN.format('z[u]', 'z[v]')}"])
PREDICTOR = "network predictor = linear(16)\n"


def of_predictor(left, right):
    return text([f"align: {ALIGN.format(left, right)}"], more=PREDICTOR, defined=PREDICTED)


# ---------------------------------------------------------------- the flow


def test_alignment_alone_shortens_the_residual():
    end = flow(small(BARE), Start(1, 1))
    assert end.center > 0.95
    assert end.kept < 0.5


def test_a_penalty_on_the_center_shortens_the_center():
    end = flow(small(text(["pull: mean(center_penalty(z[v]) for v in views)"])), Start(1, 1))
    assert end.center < 0.1
    assert end.kept > 5


def test_nothing_moves_without_force():
    end = flow(small(text(["none: 0 * mean(z)"])), Start(1, 2))
    assert end.center == pytest.approx(1 / np.sqrt(5))
    assert end.kept == pytest.approx(1)
    assert end.rank == pytest.approx(1)


def test_the_pull_ends_where_a_predictor_has_found_its_optimum():
    naked, held = (flow(small(m), Start(1, 1)) for m in (BARE, of_predictor("p[u]", "stopgrad(z[v])")))
    assert held.center < 0.8 < naked.center


def test_a_moving_average_that_hardly_moves_holds_longer():
    def end(momentum):
        target = f"network target = ema(chain(encoder, projector), momentum={momentum})\n"
        align = f"align: {ALIGN.format('z[u]', 't[v]')}"
        return flow(small(text([align], more=target, defined="t = target(x)\n")), Start(1, 1))

    assert end(0.9).kept < end(0.9999).kept


def test_untrained_networks_without_norm_hide_the_residual():
    without, hidden, output = (
        start_of(small(text(["a: alignment(z[a], z[b])"], norm=norm)))
        for norm in ("", ", norm=batchnorm", ", norm=batchnorm, last_norm=batchnorm")
    )
    share = [start.center / np.hypot(start.center, start.residual) for start in (without, hidden, output)]
    assert share == sorted(share, reverse=True)
    assert share[0] == pytest.approx(0.91, abs=0.01)  # medians of untrained networks: 0.9 and 0.65
    assert share[1] == pytest.approx(0.65, abs=0.01)


# ---------------------------------------------------------------- an example of each answer

EXAMPLES = {
    "collapses to a constant": (BARE, "constant", "collapses", "moot"),
    "loses dimensions behind batch norm": (
        text([f"align: {ALIGN.format('z[u]', 'z[v]')}"], norm=", norm=batchnorm, last_norm=batchnorm(affine=false)"),
        "dimensional", "collapses", "lost",
    ),
    "held by a predictor": (of_predictor("p[u]", "stopgrad(z[v])"), "dimensional", "held", "possible"),
    "collapses when the wrong side is stopped": (of_predictor("stopgrad(p[u])", "z[v]"), "constant", "collapses", "moot"),
    "de-centered, in few dimensions": (
        text(["align: alignment(z[a], z[b])", "c: mean(center_penalty(z[v]) for v in views)"]),
        "dimensional", "stable", "possible",
    ),
    "ok": (text(["contrast: info_nce(z[a], z[b], temperature=0.2)"]), "ok", "stable", "full"),
    "too weak": (
        text(["align: alignment(z[a], z[b])", "c: 0.001 * mean(center_penalty(z[v]) for v in views)"]),
        "constant", "collapses", "moot",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_answer_has_an_example(name):
    method, outcome, answer, rank = EXAMPLES[name]
    found = verdict(method)
    assert (found.outcome, found.constant.answer, found.rank.answer) == (outcome, answer, rank)


def test_between_the_forces_nobody_knows():
    weights = np.geomspace(0.01, 10, 16)
    terms = "align: alignment(z[a], z[b])", "c: {} * mean(center_penalty(z[v], power=2) for v in views)"
    answers = [verdict(text([terms[0], terms[1].format(weight)])).constant.answer for weight in weights]
    order = ["collapses", "undecided", "stable"]
    assert answers == sorted(answers, key=order.index)
    assert {"collapses", "stable"} <= set(answers)


def test_the_reason_names_the_strongest_term():
    terms = ["align: alignment(z[a], z[b])", "c: 3 * mean(center_penalty(z[v]) for v in views)"]
    found = verdict(text([*terms, "u: 0.001 * mean(uniformity(z[v]) for v in views)"]))
    growth = {pull.term: pull.growth for pull in found.forces}
    assert max(growth, key=growth.get) == "c"
    assert "`c`" in found.constant.reason


def test_a_term_with_the_wrong_sign_collapses():
    # EMP-SSL with the sign of one library: the coding rate is made small
    assert stability(load("empssl_lightly")).outcome == "constant"


# ---------------------------------------------------------------- mechanisms


def test_a_predictor_on_both_sides_holds_nothing():
    spec = load(Source("test.loss", of_predictor("p[u]", "stopgrad(p[v])")))
    assert predictors(Subject.of(spec)) == ()
    assert stability(spec).constant.answer == "collapses"


def test_by_construction_is_said_only_where_every_term_passes_the_construction():
    barlow = "b: sum((1 - diag(c))^2) + 0.005 * redundancy_penalty(c)"
    defined = "s = standardize(z)\nc = cross_moment(s[a], s[b])\n"
    assert "by construction" in verdict(text([barlow], defined=defined)).constant.reason
    both = verdict(
        text([f"align: {ALIGN.format('z[u]', 'z[v]')}", f"{barlow[:3]}0.001 * ({barlow[3:]})"], defined=defined)
    )
    assert both.constant.answer == "collapses"


def test_forces_are_read_where_training_starts():
    assert Cloud().rho == 0.7

"""The benchmark of the verdict: its generator, its labels, its scores, and that its page is what its results say."""

import math
from pathlib import Path

import pytest

from losslang.diagnostics import Source
from losslang.pipeline import load
from tests.benchmarks.foresight.judging import Said, ask, rule
from tests.benchmarks.foresight.labels import agreed, label, three
from tests.benchmarks.foresight.objectives import TERMS, WEIGHTS, Objective, draw
from tests.benchmarks.foresight.records import MEASURES, SETS, Record, objectives, read, write
from tests.benchmarks.foresight.report import page
from tests.benchmarks.foresight.scores import SAYERS, constant, dimensional, interval, three_classes

RESULTS = Path(__file__).parents[2] / "docs" / "results"
FILE = RESULTS / "foresight.jsonl"

# ---------------------------------------------------------------- the generator


def test_a_seed_draws_the_same_objectives_and_no_two_are_alike():
    drawn = draw(100, 5)
    assert drawn == draw(100, 5)
    assert drawn[:40] == draw(40, 5)
    assert len({one.text for one in drawn}) == 100
    assert {one.text for one in draw(100, 6, known=[one.text for one in drawn])}.isdisjoint(one.text for one in drawn)


def test_sets_share_no_objective():
    texts = [one.text for part in SETS for one in objectives(part)]
    assert len(texts) == len(set(texts)) == sum(count for count, _ in SETS.values())


def test_every_fifth_objective_has_no_further_term_and_every_choice_occurs():
    drawn = objectives("fresh")
    assert all(not one.terms for one in drawn[::5])
    assert all(one.terms for at, one in enumerate(drawn) if at % 5)
    assert {name for one in drawn for name in one.terms} == set(TERMS)
    assert all(WEIGHTS[0] <= weight <= WEIGHTS[1] for one in drawn for weight in one.terms.values())
    words = ["mse_alignment", "alignment", "bias_layer", "linear(16)", "mlp(32, 16", "ema(", "stopgrad(p", "stopgrad(z"]
    for word in [*words, "running(", "last_norm", "mlp(64, 16)"]:
        assert any(word in one.text for one in drawn)


def test_objectives_are_methods():
    for one in objectives("fresh")[:60]:
        assert {term.name for term in load(Source("random.loss", one.text)).graph.terms} == {"align", *one.terms}


# ---------------------------------------------------------------- labels


def run(center_0, center, rank=10.0, rank_0=10.0):
    return dict(zip(MEASURES, (center_0, rank_0, 1.0, center, rank, 1.0), strict=True))


@pytest.mark.parametrize(
    ("measured", "word"),
    [
        (run(0.8, 0.99), "constant"),
        (run(0.8, 0.99, rank=1), "constant"),
        (run(0.9, 0.92), "held"),  # |r|/|o| fell by 12 %
        (run(0.9, 0.94), "constant"),  # by 25 %
        (run(0.2, 0.45), "ok"),
        (run(0.55, 0.72), "constant"),
        (run(0.6, 0.2, rank=6.9), "dimensional"),
        (run(0.9, 0.9, rank=6.9), "dimensional"),
        (run(0.6, 0.2, rank=7.1), "ok"),
        (run(0.6, math.nan), "not finite"),
    ],
)
def test_the_word_for_a_run(measured, word):
    assert label(measured) == word


def test_three_of_four_decide():
    assert agreed(["ok", "ok", "held", "ok"]) == "ok"
    assert agreed(["ok", "ok", "held", "held"]) is None
    assert agreed(map(three, ["ok", "ok", "held", "held"])) == "ok"


# ---------------------------------------------------------------- scores


def record(truths, said):
    runs = {"constant": run(0.5, 0.99), "dimensional": run(0.5, 0.1, rank=1), "ok": run(0.5, 0.1)}
    found = Record.of("fresh", Objective(0, "kind", {}, ""), [runs[word] for word in truths])
    return found.judged(Said("", "", said, "ok" if said == "undecided" else said, "", {}))


RECORDS = [
    record(["constant"] * 4, "constant"),
    record(["constant"] * 3 + ["ok"], "undecided"),
    record(["ok"] * 4, "constant"),
    record(["ok"] * 4, "ok"),
    record(["dimensional"] * 4, "dimensional"),
    record(["constant", "constant", "dimensional", "ok"], "constant"),
]


def test_scores_of_constant_collapse():
    score = constant(RECORDS, SAYERS["verdict"])
    assert (score.asked, len(score.pairs)) == (5, 4)
    assert (score.accuracy, score.precision, score.recall) == (0.75, 0.5, 1)
    assert constant(RECORDS, SAYERS["verdict, never undecided"]).accuracy == 0.6
    assert constant(RECORDS, SAYERS["always stable"]).accuracy == 0.6


def test_scores_of_dimensions_and_classes():
    assert dimensional(RECORDS, SAYERS["verdict"]).accuracy == 1
    assert three_classes(RECORDS, SAYERS["verdict"]).accuracy == 0.75


def test_the_interval_holds_the_accuracy():
    low, high = interval(constant(RECORDS, SAYERS["verdict"]))
    assert 0 < low < 0.75 < high < 1


def test_the_plain_rule():
    def one(kind, **terms):
        return rule(Objective(0, kind, terms, ""))

    assert one("no mechanism") == "constant"
    assert one("no mechanism", covariance=1) == "constant"
    assert one("no mechanism", center=0.02) == "dimensional"
    assert one("no mechanism", center=0.005) == "constant"
    assert one("predictor, stopped") == "dimensional"
    assert one("stop-gradient", uniformity=1) == "ok"


# ---------------------------------------------------------------- the results


def test_a_file_is_read_as_it_was_written(tmp_path):
    about, records = read(FILE)
    write(tmp_path / "again.jsonl", about, records)
    assert (tmp_path / "again.jsonl").read_text() == FILE.read_text()


def test_another_generator_is_noticed(tmp_path):
    text = FILE.read_text().split("\n")
    (tmp_path / "old.jsonl").write_text("\n".join([text[0], text[1].replace('"text":"', '"text":"x')]))
    with pytest.raises(ValueError, match="draw and train again"):
        read(tmp_path / "old.jsonl")


def test_the_page_is_what_the_results_say():
    assert page(*read(FILE)) == (RESULTS / "foresight.md").read_text()


def test_all_objectives_were_trained():
    trained = {(record.part, record.objective.number) for record in read(FILE)[1]}
    assert trained == {(part, at) for part, (count, _) in SETS.items() for at in range(count)}


@pytest.mark.parametrize("at", range(0, 840, 45))
def test_the_verdict_says_what_the_results_say_it_did(at):
    stored = read(FILE)[1][at]
    assert ask(stored.objective) == stored.said


def test_the_verdict_is_as_good_as_is_said():
    fresh = [record for record in read(FILE)[1] if record.part == "fresh_2"]
    score, plain = (constant(fresh, SAYERS[name]) for name in ("verdict", "plain rule"))
    assert score.accuracy > 0.94
    assert score.coverage > 0.9
    assert score.accuracy > plain.accuracy
    assert three_classes(fresh, SAYERS["verdict"]).accuracy > three_classes(fresh, SAYERS["plain rule"]).accuracy

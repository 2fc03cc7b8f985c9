"""The collapse alarm: when it rings, for what, and when it does not."""

import math

import pytest

import losslang
from losslang.evaluation.alarm import PATIENCE, Alarm, uniform_values
from losslang.questions import stability


def alarm_of(method, **settings):
    spec = losslang.load(method)
    return Alarm(lambda: stability(spec), settings.pop("input_rank", 2.0), **settings)


def ring(alarm, *records):
    return [alert for record in records if (alert := alarm.see(record))]


START = {"step": 0, "center_norm": 0.99, "effective_rank": 8.0}


def test_what_the_theory_expects_to_collapse_rings_early_and_once():
    alarm = alarm_of("simsiam_no_predictor")
    alerts = ring(
        alarm, START, {"step": 50}, *({"step": s, "center_norm": 0.96, "effective_rank": 3} for s in (100, 200))
    )
    assert [(alert.step, alert.kind) for alert in alerts] == [(100, "constant")]
    assert "nothing opposes the pull of `align`" in alerts[0].missing


def test_what_should_be_held_up_rings_only_when_nothing_is_left():
    alarm = alarm_of("simsiam")
    assert ring(alarm, START, {"step": 100, "center_norm": 0.99, "effective_rank": 3}) == []
    (alert,) = ring(alarm, {"step": 200, "center_norm": 0.9995, "effective_rank": 3})
    assert "against the theory (held" in alert.missing


def test_the_center_of_a_batch_rings_before_the_next_evaluation():
    alarm = alarm_of("simsiam_no_predictor")
    (alert,) = ring(alarm, START, {"step": 10, "batch": {"center_norm": 0.5}}, {"step": 20, "batch": {"center_norm": 0.97}},
                    {"step": 100, "center_norm": 0.99, "effective_rank": 3})  # fmt: skip
    assert (alert.step, alert.kind) == (20, "constant")
    assert alert.seen == "center norm 0.9700 of the batch"
    assert ring(alarm_of("simsiam"), START, {"step": 20, "batch": {"center_norm": 0.97}}) == []


def test_the_untrained_network_never_rings():
    assert ring(alarm_of("simsiam_no_predictor"), START | {"center_norm": 1.0}) == []


def test_lost_dimensions():
    alarm = alarm_of("center_penalty", input_rank=20.0)
    start = START | {"effective_rank": 40.0}
    (alert,) = ring(alarm, start, {"step": 100, "center_norm": 0.1, "effective_rank": 3.9},
                    {"step": 200, "center_norm": 0.1, "effective_rank": 3.8})  # fmt: skip
    assert (alert.step, alert.kind) == (200, "dimensional")
    assert "no term opposes correlated features" in alert.missing
    assert "second order" in alert.missing


@pytest.mark.parametrize(("method", "term"), [("swav", "swap"), ("dino", "distill")])
def test_the_level_of_a_uniform_assignment_is_read_off_the_objective(method, term):
    spec = losslang.load(method, parameters={"prototypes": 32})
    assert uniform_values(spec) == {term: math.log(32)}


@pytest.mark.parametrize("method", ["simsiam", "simclr", "vicreg"])
def test_methods_without_prototypes_have_none(method):
    assert uniform_values(losslang.load(method)) == {}


def test_a_cross_entropy_that_stays_at_ln_k():
    level = math.log(32)
    alarm = alarm_of("swav", uniform={"swap": level})
    at = [{"step": 50 * n, "terms": {"swap": level * 1.0005}} for n in range(1, 2 * PATIENCE)]
    away = {"step": 75, "terms": {"swap": 0.9 * level}}
    (alert,) = ring(alarm, START, at[0], away, *at[1:])
    assert (alert.step, alert.kind) == (50 * (PATIENCE + 1), "uniform")
    assert "3.4657" in alert.seen


def test_a_resumed_run_sees_what_was_seen():
    records = [START, *({"step": s, "center_norm": 0.97, "effective_rank": 3} for s in (100, 200, 300))]
    whole = ring(alarm_of("simsiam_no_predictor"), *records)
    resumed = alarm_of("simsiam_no_predictor")
    ring(resumed, *records[:2])
    assert whole
    assert ring(resumed, *records[2:]) == []

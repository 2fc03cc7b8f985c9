"""Parameters, overrides and schedules."""

import math

import pytest

from losslang.diagnostics import SpecError
from losslang.objective.schedules import Clock, Schedule
from tests.methods import method

BODY = """
parameter width = 4
parameter double = 2 * width
parameter temperature = 1e-1
minimize
  term: mean(z) * double / temperature
"""


def test_later_parameters_follow_overrides():
    spec = method(BODY, parameters={"width": 10})
    assert spec.parameters["double"].value == 20
    assert spec.parameters["width"].source == "--set"
    assert spec.parameters["temperature"].source == "test.loss:11"
    assert spec.parameters["temperature"].value == 0.1


def test_an_unknown_parameter_is_refused_with_the_nearest_name():
    with pytest.raises(SpecError, match="did you mean `temperature`"):
        method(BODY, parameters={"temprature": 1})


@pytest.mark.parametrize(
    ("schedule", "step", "value"),
    [
        (Schedule("cosine", 0.996, 1.0), 0, 0.996),
        (Schedule("cosine", 0.996, 1.0), 100, 1.0),
        (Schedule("cosine", 0.9, 1.0), 25, 1 - 0.1 * (math.cos(math.pi / 4) + 1) / 2),
        (Schedule("linear", 1.0, 3.0, epochs=5), 25, 2.0),
        (Schedule("linear", 1.0, 3.0, epochs=5), 99, 3.0),
        (Schedule("linear", 0.04, 0.07, epochs=4, every_epoch=True), 19, 0.05),  # epoch 1 of 0..3: np.linspace
        (Schedule("linear", 0.04, 0.07, epochs=4, every_epoch=True), 39, 0.07),
        (Schedule("step", 1.0, 0.1, epochs=2), 19, 1.0),
        (Schedule("step", 1.0, 0.1, epochs=2), 20, 0.1),
        (Schedule("cosine", 2.0, 0.0, warmup=1), 5, 1.0),
        (Schedule("cosine", 2.0, 0.0, warmup=1), 10, 2.0),
    ],
)
def test_values_of_schedules(schedule, step, value):
    assert schedule.plan(Clock(steps=100, steps_per_epoch=10)).value(step) == pytest.approx(value, abs=1e-12)


def test_a_schedule_without_an_end_is_an_error():
    with pytest.raises(ValueError, match="number of steps"):
        Schedule("cosine", 0, 1).plan(Clock())
    with pytest.raises(ValueError, match="epoch"):
        Schedule("linear", 0, 1, epochs=3).plan(Clock(steps=10))


def test_schedules_compute_with_numbers_in_weights():
    spec = method("parameter rise = linear(8, 1)\nparameter w = 8 / rise\nminimize\n  term: w * mean(z)\n")
    assert spec.parameters["w"].value is None
    assert "schedule" in {node.op for node in spec.graph.nodes()}

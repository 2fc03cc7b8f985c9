"""Experiment files: what they may say, what is said of mistakes, and which runs they mean."""

import json
import math
from pathlib import Path

import pytest

from losslang.cli import main
from losslang.diagnostics import LosslangError, SpecError
from losslang.experiment.document import Range
from losslang.experiment.expand import grid, plan_cells, values_of
from losslang.experiment.read import read_experiment
from losslang.experiment.share import shares

EXAMPLES = Path(__file__).parents[2] / "examples"

SMALL = """\
experiment: small
methods: [simsiam, byol]
data: [blobs, moons]
seeds: 2
set:
  steps: 4
  optimizer:
    learning_rate: 0.05
"""


@pytest.fixture
def read(tmp_path):
    def of(text):
        file = tmp_path / "mine.yaml"
        file.write_text(text)
        return read_experiment(file)

    return of


def planned(document, out, **sets):
    return plan_cells(document, grid(document), out, sets)


def test_every_combination_is_a_run(read, tmp_path):
    runs = planned(read(SMALL), tmp_path)
    assert len(runs) == len({run.id for run in runs}) == len({run.plan.folder for run in runs}) == 8
    assert {(run.cell.label, run.cell.data, run.plan.recipe.seed) for run in runs} == {
        (method, data, seed) for method in ("simsiam", "byol") for data in ("blobs", "moons") for seed in (0, 1)
    }
    assert runs[0].plan.recipe.optimizer.learning_rate == 0.05
    assert runs[0].plan.settings["optimizer.learning_rate"].source.endswith("mine.yaml:8")
    assert runs[0].plan.folder == tmp_path / "simsiam-blobs" / f"seed0-{runs[0].id[:8]}"


def test_methods_have_names_and_settings_of_their_own(read, tmp_path):
    text = "experiment: x\nmethods:\n  with: barlow\n  without: {method: barlow, set: {redundancy: 0}}\nseeds: [3]\n"
    one, two = planned(read(text), tmp_path)
    assert (one.cell.label, two.cell.label) == ("with", "without")
    assert two.plan.spec.parameters["redundancy"].value == 0
    assert two.plan.recipe.seed == 3


def test_sweeps_are_lists_and_ranges(read, tmp_path):
    text = (
        "experiment: x\nmethods: [byol]\nseeds: 1\nsweep:\n  parameters.momentum: [0.9, 0.99]\n"
        "  optimizer.learning_rate: {from: 0.01, to: 1, count: 3, scale: log}\n"
    )
    runs = planned(read(text), tmp_path)
    assert [run.plan.recipe.optimizer.learning_rate for run in runs] == [0.01, 0.1, 1.0] * 2
    assert [run.plan.spec.parameters["momentum"].value for run in runs] == [0.9] * 3 + [0.99] * 3
    assert runs[0].plan.folder.parent.name == "byol-blobs-momentum=0.9-learning_rate=0.01"


def test_ranges():
    assert values_of(Range(start=0, end=1, count=3)) == (0, 0.5, 1)
    assert values_of(Range(start=0.1, end=0.3, count=3)) == (0.1, 0.2, 0.3)
    assert values_of(Range(start=2, end=8, count=1)) == (2,)


def test_the_command_line_is_above_the_file(read, tmp_path):
    assert {run.plan.steps for run in planned(read(SMALL), tmp_path, steps="7")} == {7}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("methods: [byol]\n", "mine.yaml: `experiment` is missing; losslang schema experiment"),
        ("experiment: x\nmethods: [byol]\nseed: 3\n", "mine.yaml:3: there is no entry `seed`; did you mean `seeds`?"),
        ("experiment: x\nmethods: [byol]\nseeds: many\n", "mine.yaml:3: `seeds` must be a whole number"),
        (
            "experiment: x\nmethods: [byol]\nset:\n  lr: 1\n",
            "mine.yaml:4: `lr` is neither a parameter of byol nor a setting",
        ),
        (
            "experiment: x\nmethods: [byol]\nset: {steps: -1}\n",
            "mine.yaml:3: `steps` must be|mine.yaml:3: `steps` .*greater",
        ),
        (
            "experiment: x\nmethods: [byol]\ndata: [blubs]\n",
            "mine.yaml:3: there is no data set `blubs`; did you mean `blobs`?",
        ),
        ("experiment: x\nmethods: [mine.loss]\n", "mine.yaml:2: there is no file .*mine.loss"),
        ("experiment: x\nmethods: [byol]\nsweep:\n  momentum: {from: 1, two: 2}\n", r"mine.yaml:4: .*`to` is missing"),
        ("experiment: x\nmethods:\n  a: {set: {steps: 1}}\n", "mine.yaml:3: `method` is missing"),
        (
            "experiment: x\nmethods: [byol]\nseeds: 0\n",
            "mine.yaml:3: `seeds` must be greater than or equal to 1",
        ),
        ("experiment: x\nmethods: [byol]\nseeds: []\n", "mine.yaml:3: `seeds` must "),
        (
            "experiment: x\nmethods: [byol]\nseeds: [1, -1]\n",
            "mine.yaml:3: `seeds.*` must be greater than or equal to 0",
        ),
        ("- experiment\n", "is not an experiment: it is no mapping"),
        (
            "experiment: x\nmethods:\n- byol\n- {label: y, method: simsiam}\n",
            r"(?s)mine.yaml:4:3: error\[E512\]: a list of methods holds names or files alone.*name: {method: …, set: {…}}",
        ),
        (
            "experiment: x\nmethods: [byol, a/byol.loss]\n",
            r"mine.yaml:2:17: error\[E134\]: the method `byol` is given twice",
        ),
    ],
)
def test_mistakes_are_said_with_their_place(read, tmp_path, text, message):
    with pytest.raises(LosslangError, match=message):
        planned(read(text), tmp_path)


WRONG = """\
experiment: 3bad
methods:
  a: {method: bylo}
  b: simsiam
  c: {method: byol, set: {momentun: 0.3, momentum: high}}
  d: nofile.loss
  e: {set: {steps: 3}}
data: [blubs, moons]
seed: 3
recipe: toyy
set:
  lr: 1
  optimizer: {learning_rat: 2}
  batch_size: small
sweep:
  optimizer.momentum: {from: 1, two: 2}
  width: [16, wide]
"""

SAID = """\
mine.yaml:1: `experiment` must be a letter
mine.yaml:3: there is no method `bylo`; did you mean `byol`?
mine.yaml:5: `momentun` is neither a parameter of byol nor a setting; did you mean `momentum`?
mine.yaml:5: the parameter `momentum` is a number, and `high` is not
mine.yaml:6: there is no file
mine.yaml:7: `method` is missing
mine.yaml:8: there is no data set `blubs`; did you mean `blobs`?
mine.yaml:9: there is no entry `seed`; did you mean `seeds`?
mine.yaml:10: there is no recipe `toyy`; did you mean `toy`?
mine.yaml:12: `lr` is neither a parameter of simsiam nor a setting
mine.yaml:13: there is no setting `optimizer.learning_rat`
mine.yaml:14: `batch_size` must be a whole number
mine.yaml:16: `to` is missing
mine.yaml:16: there is no entry `two`; did you mean `to`?
mine.yaml:17: the parameter `width` is a number, and `wide` is not
"""


def test_all_mistakes_of_a_file_are_said_at_once_and_once(read, tmp_path, capsys):
    with pytest.raises(LosslangError) as caught:
        planned(read(WRONG), tmp_path)
    said = str(caught.value).splitlines()
    for line in SAID.splitlines():
        assert len([each for each in said if line in each]) == 1, line
    assert len(said) == len(SAID.splitlines()) + 1  # `lr` is said of either method
    assert main(["experiment", str(tmp_path / "mine.yaml"), "--out", str(tmp_path / "runs" / "x")]) == 1
    assert capsys.readouterr().err.strip() == f"losslang: {caught.value}"
    assert not (tmp_path / "runs").exists()


def test_diagnostics_and_other_mistakes_are_said_together(read, tmp_path):
    with pytest.raises(LosslangError) as caught:
        planned(read("experiment: x\nmethods: [byol, {a: b}]\nseeds: many\nset: {lr: 3}\n"), tmp_path)
    said = str(caught.value)
    assert "mine.yaml:2:17: error[E512]" in said
    assert "mine.yaml:3: `seeds` must be a whole number\n" in said
    assert "mine.yaml:4: `lr` is neither" in said
    assert "must be a list" not in said


def test_what_only_follows_from_a_mistake_is_not_said(read, tmp_path):
    with pytest.raises(SpecError) as caught:
        planned(read("experiment: x\nmethods: [{a: b}]\n"), tmp_path)
    assert [found.code for found in caught.value.diagnostics] == ["E512"]


def test_what_is_no_yaml_is_shown_where_it_stands(read):
    with pytest.raises(SpecError):
        read("experiment: x\nmethods: [byol\n")


@pytest.mark.parametrize("file", sorted(EXAMPLES.glob("*.yaml")), ids=lambda file: file.stem)
def test_examples_are_right(file, tmp_path):
    document = read_experiment(file)
    assert document.experiment.experiment == file.stem
    assert document.experiment.title
    runs = planned(document, tmp_path)
    assert len(runs) >= 20
    wanted = set(document.experiment.plot)
    of_batch = {"batch/center_norm", "batch/after_norm/center_norm"}
    assert wanted <= {"center_norm", "knn", "effective_rank"} | of_batch


def test_an_experiment_that_ships_is_known_by_its_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert read_experiment(Path("figure4")).experiment.experiment == "figure4"
    for name in ("figure5.yaml", "examples/figure5.yaml", "figur5"):
        with pytest.raises(
            LosslangError, match=f"there is no experiment `{name}`; did you mean `figure5`, which ships"
        ):
            read_experiment(Path(name))


def test_figure_4_is_thirty_runs(tmp_path):
    assert len(planned(read_experiment(EXAMPLES / "figure4.yaml"), tmp_path)) == 30


class TestIdentity:
    def test_is_of_the_mathematics(self, read, tmp_path):
        """The same method under another name and in another order of lines is the same run."""
        text = (EXAMPLES.parent / "specs" / "simsiam.yaml").read_text()
        renamed = text.replace("method: simsiam", "method: other").replace("  align:", "  pull:")
        (tmp_path / "other.yaml").write_text(renamed)
        runs = planned(read("experiment: x\nmethods: [simsiam, other.yaml]\nseeds: 1\n"), tmp_path)
        assert len(runs) == 1

    @pytest.mark.parametrize("change", [{"steps": "5"}, {"data": "moons"}, {"batch_size": "128"}, {"momentum": "0.5"}])
    def test_changes_with_what_is_trained(self, read, tmp_path, change):
        text = "experiment: x\nmethods: [byol]\nseeds: 1\nset: {steps: 4}\n"
        (before,) = planned(read(text), tmp_path)
        (after,) = planned(read(text), tmp_path, **change)
        assert before.id != after.id

    def test_does_not_change_with_where_it_is_said(self, read, tmp_path):
        (one,) = planned(read("experiment: x\nmethods: [byol]\nseeds: 1\nset: {steps: 4}\n"), tmp_path)
        (two,) = planned(read("experiment: other\nmethods: {B: byol}\nseeds: [0]\n"), tmp_path, steps="4", threads="2")
        assert one.id == two.id


@pytest.mark.parametrize("processes", [1, 2, 3, 7, 40])
def test_shares_are_even_and_whole(read, tmp_path, processes):
    plans = [run.plan for run in planned(read_experiment(EXAMPLES / "figure4.yaml"), tmp_path)]
    loads = shares(plans, processes)
    assert sorted(at for load in loads for group in load for at in group) == list(range(30))
    groups = [group for load in loads for group in load]
    parts = sum(len({plans[at].spec.method_name for at in group}) for group in groups)
    assert parts <= 3 + len(groups) - 1  # a method is cut only where a group ends
    sizes = [sum(map(len, load)) for load in loads]
    assert len(loads) <= processes
    assert max(sizes) == math.ceil(30 / processes)


def test_the_schema_is_printed(capsys):
    assert main(["schema", "experiment"]) == 0
    assert "methods" in json.loads(capsys.readouterr().out)["properties"]

"""Recipes: what is read, which layer wins, and what is said of everything that is wrong."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from losslang.data.policies import Image, Noise
from losslang.diagnostics import LosslangError
from losslang.shipped import shipped_recipes, shipped_specs
from losslang.training.plan import resolve_run
from losslang.training.recipe import Recipe
from losslang.training.record import settings_record
from losslang.training.settings import Setting, merge, read_value

SIMSIAM = shipped_specs()["simsiam"]

METHOD = """\
losslang: 1
method: mine
parameters: {width: 32, steps: 3, strength: 1}
views: {global: 2, local: 1}
networks: {encoder: backbone, projector: 'mlp(width, width, norm=batchnorm)'}
define:
  z: projector(encoder(x))
objective:
  align: strength * mean(alignment(z[u], stopgrad(z[v])) for u in views for v in views if u != v)
recipes:
  toy: {strength: 2, optimizer.learning_rate: 0.02, batch_size: 128}
"""


@pytest.fixture
def mine(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text(METHOD)
    return path


@pytest.fixture
def recipe(tmp_path):
    """Writes a recipe file."""

    def write(text):
        path = tmp_path / "own.yaml"
        path.write_text(text)
        return str(path)

    return write


def test_a_recipe_extends_another(tmp_path):
    (tmp_path / "short.yaml").write_text("extends: toy\nsteps: 3\nparameters: {nobody: 3}\n")
    (tmp_path / "mine.yaml").write_text("extends: short.yaml\nbatch_size: 64\n")
    plan = resolve_run("simsiam", str(tmp_path / "mine.yaml"))
    toy = resolve_run("simsiam", "toy")
    assert (plan.steps, plan.recipe.batch_size) == (3, 64)
    widths = [each.spec.parameters["width"] for each in (plan, toy)]
    assert [(width.value, width.source) for width in widths] == [(64, "losslang/recipes/toy.yaml:19")] * 2
    assert plan.recipe.backbone == toy.recipe.backbone
    assert plan.settings["steps"].source.endswith("short.yaml:2")


@pytest.mark.parametrize(
    ("base", "message"),
    [
        ("mine.yaml", "recipes extend each other in a circle"),
        ("toi", "mine.yaml:1: there is no recipe `toi`; did you mean `toy`?"),
    ],
)
def test_a_recipe_that_extends_nothing_that_is_there(tmp_path, base, message):
    (tmp_path / "mine.yaml").write_text(f"extends: {base}\nsteps: 3\n")
    with pytest.raises(LosslangError, match=re.escape(message)):
        resolve_run("simsiam", str(tmp_path / "mine.yaml"))


def test_shipped_recipes_are_valid_and_begin_with_what_they_are_for():
    for name, path in shipped_recipes().items():
        assert resolve_run(SIMSIAM, name).recipe_name == name
        assert path.read_text().startswith("# ")


@pytest.mark.parametrize("method", ["simsiam", "byol", "simclr", "vicreg", "barlow", "center_penalty"])
@pytest.mark.parametrize("data", ["blobs", "moons", "digits"])
def test_the_toy_recipe_fits_methods_and_data(method, data):
    plan = resolve_run(shipped_specs()[method], data=data)
    widths = [v.value for n, v in plan.spec.parameters.items() if n in {"width", "size", "bottleneck"}]
    assert widths
    assert all(value <= 64 for value in widths)
    assert type(plan.policies["a"]) is (Image if data == "digits" else Noise)
    assert plan.policies["a"] == plan.policies["b"]


def test_every_value_knows_where_it_was_set(mine):
    plan = resolve_run(mine, data="moons", sets={"optimizer.momentum": "0.5", "width": "16"})
    record = settings_record(plan)
    by = {path: row["set by"] for path, row in record["settings"].items()}
    values = {path: row["value"] for path, row in record["settings"].items()}
    assert (values["data"], by["data"]) == ("moons", "--data")
    assert (values["optimizer.momentum"], by["optimizer.momentum"]) == (0.5, "--set")
    assert (values["optimizer.learning_rate"], by["optimizer.learning_rate"]) == (0.02, f"{mine}:11, recipes: toy")
    assert by["steps"].endswith("recipes/toy.yaml:4")
    assert by["precision"] == "default"
    assert by["augmentation.all.scale"] == "data set moons"
    assert record["parameters"]["width"] == {"value": 16, "set by": "--set"}
    assert record["parameters"]["strength"] == {"value": 2, "set by": f"{mine}:11, recipes: toy"}
    assert record["parameters"]["steps"] == {"value": 3, "set by": f"{mine}:3"}
    json.dumps(record, allow_nan=False)


def test_a_wrong_setting_of_a_method_is_shown_with_its_line(mine):
    wrong = {"batch_sice: 128": "`batch_sice` is neither a parameter of mine nor a setting; did you mean `batch_size`?"}
    wrong["batch_size: many"] = "`batch_size` must be a whole number; it is `many`"
    for setting, message in wrong.items():
        mine.write_text(METHOD.replace("batch_size: 128", setting))
        with pytest.raises(LosslangError) as error:
            resolve_run(mine)
        assert str(error.value) == f"{mine}:11, recipes: toy: {message}"


@pytest.mark.parametrize("term", ["mean(stopgrad(z))", "strength"])
def test_a_method_that_trains_nothing_is_refused(mine, term):
    align = "strength * mean(alignment(z[u], stopgrad(z[v])) for u in views for v in views if u != v)"
    mine.write_text(METHOD.replace(align, term))
    with pytest.raises(LosslangError, match="there is nothing to train: no gradient of any term reaches a network"):
        resolve_run(mine)


def test_recipe_parameters_pass_methods_by_that_have_none_of_the_name(mine, recipe):
    plan = resolve_run(mine, recipe("steps: 5\nparameters: {width: 8, bottleneck: 4}\n"))
    assert {name: v.value for name, v in plan.spec.parameters.items()} == {"width": 8, "steps": 3, "strength": 1}
    assert plan.spec.parameters["width"].source.endswith("own.yaml:2")


def test_length_in_epochs_or_steps(recipe):
    plan = resolve_run(SIMSIAM, sets={"epochs": "2.5", "batch_size": "1000"})
    assert (plan.steps_per_epoch, plan.steps, plan.recipe.steps) == (3, 8, None)
    assert resolve_run(SIMSIAM, recipe("epochs: 3\n"), sets={"steps": "7"}).steps == 7
    assert resolve_run(SIMSIAM, sets={"epochs": "1e-6"}).steps == 1


def test_augmentation_per_view_group_and_all(mine, recipe):
    text = "steps: 5\naugmentation:\n  all: {policy: noise, scale: 0.1}\n  local: {policy: none}\n"
    plan = resolve_run(mine, recipe(text))
    assert [type(p).__name__ for p in plan.policies.values()] == ["Noise", "Noise", "Nothing"]
    assert plan.policies["global.0"].scale == 0.1
    plan = resolve_run(SIMSIAM, sets={"augmentation.b.policy": "noise", "augmentation.b.scale": "0.25"})
    assert (plan.policies["a"].scale, plan.policies["b"].scale) == (1.2, 0.25)
    assert resolve_run(SIMSIAM, sets={"augmentation.all.scale": "0.5"}).policies["a"].scale == 0.5


def test_other_data_bring_their_own_augmentation(recipe):
    text = "data: digits\nsteps: 5\naugmentation: {all: {policy: image, crop: 0.9}}\n"
    assert resolve_run(SIMSIAM, recipe(text)).policies["a"].crop == 0.9
    assert isinstance(resolve_run(SIMSIAM, recipe(text), data="moons").policies["a"], Noise)


def test_merging():
    def layer(**values):
        return {path.replace("__", "."): Setting(value, "here") for path, value in values.items()}

    merged = merge([layer(steps=3, backbone__widths=(4,), data="blobs"), layer(epochs=2, backbone__name="resnet18")])
    assert {path: s.value for path, s in merged.items()} == {"data": "blobs", "epochs": 2, "backbone.name": "resnet18"}
    assert merge([layer(epochs=1), layer(steps=2, epochs=3)]).keys() == {"steps", "epochs"}


@pytest.mark.parametrize(
    ("text", "value"),
    [("1e-3", 0.001), ("12", 12), ("true", True), ("[64, 32]", (64, 32)), ("moons", "moons"), ("'12'", "12")],
)
def test_values_of_set(text, value):
    found = read_value("k", text)
    assert found == value
    assert type(found) is type(value)


# ---------------------------------------------------------------- what can be wrong

WRONG_SETS = [
    ({"widht": "3"}, "`widht` is neither a parameter of simsiam nor a setting; did you mean `width`?"),
    ({"lr": "1"}, "`lr` is neither a parameter of simsiam nor a setting; did you mean `optimizer.learning_rate`?"),
    ({"optimizer.lr": "1"}, "--set: there is no setting `optimizer.lr`; did you mean `optimizer.learning_rate`?"),
    ({"optimiser.momentum": "1"}, "there is no setting `optimiser.momentum`; did you mean `optimizer.momentum`?"),
    ({"momentum": "0.5"}, "did you mean `optimizer.momentum`?"),
    ({"optimizer": "adamw"}, "`optimizer` is neither a parameter of simsiam nor a setting; `optimizer` is a section"),
    ({"zzzz": "1"}, "nor a setting; the parameters are width, bottleneck"),
    ({"parameters.widht": "1"}, "--set: simsiam has no parameter `widht`; did you mean `width`?"),
    ({"width": "wide"}, "--set: the parameter `width` is a number, and `wide` is not"),
    ({"width": "true"}, "--set: the parameter `width` is a number"),
    ({"width": "0"}, "E216"),
    ({"batch_size": "2.5"}, "--set: `batch_size` must be a whole number; it is `2.5`"),
    ({"batch_size": "1"}, "--set: `batch_size` must be greater than or equal to 2; it is `1`"),
    ({"batch_size": "9999"}, "--set: a batch of 9999 is larger than blobs, which has 3072 samples"),
    ({"optimizer.learning_rate": "-1"}, "--set: `optimizer.learning_rate` must be greater than 0; it is `-1`"),
    ({"optimizer.learning_rate": "fast"}, "--set: `optimizer.learning_rate` must be a number; it is `fast`"),
    ({"optimizer.name": "lion"}, "--set: `optimizer.name` must be 'sgd', 'adamw' or 'lars'; it is `lion`"),
    ({"backbone.widths": "[]"}, "--set: `backbone.widths` must not be empty; it is []"),
    ({"backbone.widths": "[8, x]"}, "--set: `backbone.widths` must be a whole number; it is [`8`, `x`]"),
    ({"backbone.name": "resnet19"}, "--set: `backbone.name` must be one of `losslang list backbones`"),
    ({"precision": "yes"}, "YAML readers disagree"),
    ({"precision": ""}, "E511"),
    ({"steps": "10", "epochs": "2"}, "the recipe gives the run two lengths: set steps, or epochs"),
    ({"data": "blob"}, "--set: there is no data set `blob`; did you mean `blobs`?"),
    ({"augmentation.all.scal": "1"}, "--set: `augmentation.all.scal` is no option of it; did you mean `scale`?"),
    ({"augmentation.all.scale": "-1"}, "--set: `augmentation.all.scale` must be greater than or equal to 0"),
    ({"augmentation.all.policy": "nois"}, "`augmentation.all.policy` is `nois`; did you mean `noise`?"),
    ({"augmentation.all.policy": "image"}, "the augmentation of `all` is for images, and blobs holds points"),
    ({"augmentation.c.policy": "noise"}, "--set: simsiam has no view or group `c`"),
    ({"seed": "-1"}, "--set: `seed` must be greater than or equal to 0; it is `-1`"),
    ({"seed": "10000000000000000"}, "--set: `seed` must be less than or equal to 9007199254740992; it is"),
    (
        {"backbone.name": "resnet18"},
        "--set: the backbone resnet18 takes images, and blobs holds points; take other data",
    ),
    ({"backbone.name": "timm:tiny"}, "--set: the backbone timm:tiny takes images, and blobs holds points"),
    ({"backbone.name": "vit_s", "data": "digits"}, "sides of 16, and the view `a` of digits has 8 pixels"),
    (
        {"data": "cifar10", "augmentation.a.size": "16", "backbone.name": "mlp"},
        "--set: the backbone mlp takes images of one size, and the sides of the views are a 16, b 32",
    ),
]


@pytest.mark.parametrize(("sets", "message"), WRONG_SETS, ids=[" ".join(sets) for sets, _ in WRONG_SETS])
def test_wrong_settings_are_explained(sets, message):
    with pytest.raises(LosslangError) as error:
        resolve_run(SIMSIAM, sets=sets)
    assert message in str(error.value)


WRONG_FILES = [
    ("steps: 10\nbatch_sise: 4\n", "own.yaml:2: there is no setting `batch_sise`; did you mean `batch_size`?"),
    ("steps: 10\noptimizer:\n  momentum: 2\n", "own.yaml:3: `optimizer.momentum` must be less than 1; it is `2`"),
    ("data: blobs\n", "the recipe gives the run no length: set steps, or epochs"),
    ("steps: 10\nsteps: 20\n", "E134"),
    ("- steps\n", "is not a recipe: it is no mapping of settings to values"),
    ("", "is not a recipe"),
    ("steps: 012x\n  a: b\n", "E5"),
    ("steps: 10\nprecision: no\n", "E517"),
    ("steps: 10\ndata: cifar\n", "own.yaml:2: there is no data set `cifar`; there are blobs, moons, digits"),
]


@pytest.mark.parametrize(("text", "message"), WRONG_FILES)
def test_wrong_recipe_files_are_explained_with_their_line(recipe, text, message):
    with pytest.raises(LosslangError) as error:
        resolve_run(SIMSIAM, recipe(text))
    assert message in str(error.value)


def test_all_wrong_values_are_told_at_once(recipe):
    with pytest.raises(LosslangError) as error:
        resolve_run(SIMSIAM, recipe("steps: 0\nbatch_size: x\nlog_every: 0\n"))
    assert [line.partition(": ")[0][-10:] for line in str(error.value).splitlines()] == [
        "own.yaml:2",
        "own.yaml:1",
        "own.yaml:3",
    ]


@pytest.mark.parametrize(
    ("recipe_name", "message"),
    [
        ("toyy", "there is no recipe `toyy`; did you mean `toy`?"),
        ("nothing_like_it", "there are cifar, digits, imagenet100, toy, and files that end in .yaml"),
        ("nowhere.yaml", "the recipe nowhere.yaml cannot be read: No such file"),
    ],
)
def test_unknown_recipes(recipe_name, message):
    with pytest.raises(LosslangError) as error:
        resolve_run(SIMSIAM, recipe_name)
    assert message in str(error.value)


def test_a_name_that_means_two_things_asks_which(mine):
    with pytest.raises(LosslangError, match=r"write parameters\.steps or recipe\.steps"):
        resolve_run(mine, sets={"steps": "5"})
    assert resolve_run(mine, sets={"recipe.steps": "5"}).steps == 5
    assert resolve_run(mine, sets={"parameters.steps": "5"}).spec.parameters["steps"].value == 5


def test_a_method_that_overrides_what_there_is_not(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text(METHOD.replace("batch_size: 128", "batch_sice: 128"))
    with pytest.raises(LosslangError) as error:
        resolve_run(path)
    assert "`batch_sice` is neither a parameter of mine nor a setting; did you mean `batch_size`?" in str(error.value)


def test_resolving_needs_no_torch():
    program = (
        "import sys; from losslang.training.plan import resolve_run; from losslang.training import cli, recipe;"
        f"resolve_run({str(SIMSIAM)!r}); assert not {{'torch', 'sklearn', 'rich'}} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True, cwd=Path(__file__).parents[2])


def test_the_schema_of_recipes_knows_every_setting():
    schema = Recipe.model_json_schema()
    assert set(schema["properties"]) == set(Recipe.model_fields)
    assert schema["additionalProperties"] is False

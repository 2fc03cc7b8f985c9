"""Rules of the optimiser by network, and clipped gradients."""

import json

import pytest
import torch
from torch import nn

import losslang
from losslang.diagnostics import LosslangError
from losslang.shipped import shipped_specs
from losslang.training.loop import train
from losslang.training.optimizer import clip_gradients, make_optimizer, set_learning_rates
from losslang.training.plan import resolve_run
from losslang.training.recipe import Clip, NetworkRule, Optimizer

SMALL = {"width": 16, "bottleneck": 8}


def model_of(method="simsiam", **parameters):
    torch.manual_seed(0)
    return losslang.compile(
        method,
        backbone=nn.Linear(3, 16),
        feature_size=16,
        parameters=SMALL | parameters if method == "simsiam" else parameters,
        steps=100,
        steps_per_epoch=10,
    )


def with_gradients(model, length):
    """Every parameter gets a gradient of this length."""
    for parameter in model.parameters():
        if parameter.requires_grad:
            parameter.grad = torch.full_like(parameter, length / parameter.numel() ** 0.5)
    return model


def lengths(parameters):
    return torch.stack([p.grad.norm() for p in parameters if p.grad is not None])


def test_without_rules_there_is_one_group():
    assert len(make_optimizer(model_of(), Optimizer()).param_groups) == 1
    of_others = Optimizer(networks={"codebook": NetworkRule(scale=2)})
    assert len(make_optimizer(model_of(), of_others).param_groups) == 1


def test_simsiams_predictor_has_a_constant_learning_rate():
    model = model_of()
    recipe = Optimizer(learning_rate=0.2, networks={"predictor": NetworkRule(schedule="constant")})
    optimizer = make_optimizer(model, recipe)
    predictor, others = optimizer.param_groups
    assert {*predictor["params"]} == {*model.networks["predictor"].parameters()}
    assert {*predictor["params"], *others["params"]} == {*model.parameters()}
    assert set_learning_rates(optimizer, 0, 100, recipe) == 0.1  # the first of two steps of warm-up
    assert (predictor["lr"], others["lr"]) == (0.2, 0.1)
    assert set_learning_rates(optimizer, 100, 100, recipe) == 0
    assert (predictor["lr"], others["lr"]) == (0.2, 0)


@pytest.mark.parametrize("name", ["sgd", "adamw"])
def test_scale_and_weight_decay(name):
    rule = NetworkRule(scale=10, weight_decay=0)
    recipe = Optimizer(name=name, warmup=0, networks={"projector": rule})
    projector, others = make_optimizer(model_of(), recipe).param_groups
    assert (projector["weight_decay"], others["weight_decay"]) == (0, 1e-4)
    optimizer = make_optimizer(model_of(), recipe)
    set_learning_rates(optimizer, 0, 100, recipe)
    assert [group["lr"] for group in optimizer.param_groups] == pytest.approx([1, 0.1])


def test_a_network_of_a_chain_keeps_its_own_rule():
    """DINO's head is a chain that ends in the codebook."""
    model = model_of("dino", prototypes=8, width=16, size=4)
    rules = {"codebook": NetworkRule(weight_decay=0), "head": NetworkRule(scale=2)}
    codebook, head, others = make_optimizer(model, Optimizer(networks=rules)).param_groups
    assert {*codebook["params"]} == {*model.networks["codebook"].parameters()}
    assert {*codebook["params"], *head["params"]} == {*model.networks["head"].parameters()}
    assert (codebook["scale"], head["scale"], others["scale"]) == (1, 2, 1)


def test_gradients_are_clipped_per_parameter_as_dino_does():
    model = with_gradients(model_of(), 5.0)
    short = next(model.networks["predictor"].parameters())
    short.grad /= 10
    before = short.grad.clone()
    clip_gradients(model, Optimizer(clip=Clip(norm=3, per="parameter")))
    assert torch.equal(short.grad, before)
    others = lengths(p for p in model.parameters() if p is not short)
    torch.testing.assert_close(others, torch.full_like(others, 3), rtol=1e-5, atol=0)


def test_gradients_are_clipped_per_network():
    model = with_gradients(model_of(), 5.0)
    clip_gradients(model, Optimizer(clip=Clip(norm=3, per="network")))
    for network in model.networks.values():
        assert lengths(network.parameters()).norm() == pytest.approx(3, rel=1e-5)


def test_gradients_are_clipped_together_or_not_at_all():
    model = with_gradients(model_of(), 5.0)
    clip_gradients(model, Optimizer())
    assert lengths(model.parameters()).min() == pytest.approx(5, rel=1e-5)
    clip_gradients(model, Optimizer(clip=Clip(norm=3)))
    assert lengths(model.parameters()).norm() == pytest.approx(3, rel=1e-5)


def test_rules_come_from_settings_and_are_written_down(tmp_path):
    sets = {
        "steps": "10",
        "optimizer.networks.predictor.schedule": "constant",
        "optimizer.clip.norm": "0.5",
        "optimizer.clip.per": "parameter",
    }
    result = train(resolve_run(shipped_specs()["simsiam"], sets=sets, out=tmp_path / "run"))
    assert result["steps"] == 10
    recorded = json.loads((tmp_path / "run" / "settings.json").read_text())["settings"]
    assert recorded["optimizer.networks.predictor.schedule"] == {"value": "constant", "set by": "--set"}
    assert recorded["optimizer.clip.norm"]["value"] == 0.5
    groups = torch.load(tmp_path / "run" / "checkpoint.pt", weights_only=True)["optimizer"]["param_groups"]
    assert [group["schedule"] for group in groups] == ["constant", "cosine"]
    assert groups[0]["lr"] == 0.1


def test_a_recipe_may_have_rules_for_networks_that_not_every_method_has(tmp_path):
    file = tmp_path / "own.yaml"
    file.write_text("steps: 1\noptimizer: {networks: {predictor: {schedule: constant}}, clip: {norm: 3.0}}\n")
    optimizer = resolve_run(shipped_specs()["vicreg"], str(file)).recipe.optimizer
    assert optimizer.networks["predictor"].schedule == "constant"
    assert optimizer.clip.norm == 3


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("optimizer.networks.predicter.schedule", "constant", "no network `predicter`; did you mean `predictor`?"),
        ("optimizer.networks.predictor.schedule", "steady", "`optimizer.networks.predictor.schedule` must be 'cosine'"),
        ("optimizer.networks.predictor.scael", "2", "`optimizer.networks.predictor.scael`"),
        ("optimizer.clip.per", "layer", "`optimizer.clip.per` must be 'parameter'"),
        ("optimizer.clip.norm", "0", "`optimizer.clip.norm` must be greater than 0"),
        ("optimizer.clip.nrom", "1", "did you mean `optimizer.clip.norm`?"),
    ],
)
def test_wrong_rules_are_explained(path, value, message):
    with pytest.raises(LosslangError) as error:
        resolve_run(shipped_specs()["simsiam"], sets={path: value})
    assert message in str(error.value)

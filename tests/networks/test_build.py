"""Descriptions of networks to modules."""

import pytest
import torch
from torch import nn

from losslang.networks import build
from losslang.networks.build import KINDS, NORMS
from losslang.networks.layers import IterNorm, ScaleBatchNorm
from losslang.objective.constructors import CONSTRUCTORS
from losslang.objective.networks import Network, Norm

BATCH = Norm("batchnorm")


def made(network, in_features=6, **named):
    return build(network, in_features=in_features, named=named)


def kinds(module):
    return [type(layer).__name__ for layer in module]


def test_every_constructor_of_the_language_has_a_row():
    assert set(KINDS) == {*CONSTRUCTORS, "reference"} - {"backbone"}
    assert set(NORMS) == {"batchnorm", "layernorm", "iternorm"}


def test_mlp_of_simsiam():
    last = Norm("batchnorm", affine=False)
    module, size = made(Network("mlp", (7, 8, 9), norm=BATCH, last_norm=last, bias=False, last_bias=False))
    hidden = ["Linear", "BatchNorm1d", "ReLU"]
    assert kinds(module) == [*hidden, *hidden, "Linear", "BatchNorm1d"]
    assert size == 9
    assert [tuple(p.shape) for p in module.parameters()] == [(7, 6), (7,), (7,), (8, 7), (8,), (8,), (9, 8)]


def test_mlp_equals_its_formula():
    module, _ = made(Network("mlp", (7, 5), norm=BATCH, activation="gelu"))
    module = module.double()
    x = torch.randn(10, 6, dtype=torch.float64)
    h = x @ module[0].weight.T + module[0].bias
    h = (h - h.mean(0)) / (h.var(0, correction=0) + 1e-5).sqrt()
    h = h * (1 + torch.erf(h / 2**0.5)) / 2
    torch.testing.assert_close(module(x), h @ module[3].weight.T + module[3].bias)


@pytest.mark.parametrize(("bias", "last_bias"), [(True, True), (True, False), (False, True)])
def test_biases(bias, last_bias):
    module, _ = made(Network("mlp", (7, 5), bias=bias, last_bias=last_bias))
    assert [layer.bias is not None for layer in module if isinstance(layer, nn.Linear)] == [bias, last_bias]


@pytest.mark.parametrize(
    ("norm", "kind"),
    [
        (Norm("batchnorm", beta=False), ScaleBatchNorm),
        (Norm("layernorm"), nn.LayerNorm),
        (Norm("iternorm"), IterNorm),
    ],
)
def test_norms(norm, kind):
    module, _ = made(Network("mlp", (8,), last_norm=norm))
    assert type(module[-1]) is kind


@pytest.mark.parametrize(
    ("network", "size"),
    [
        (Network("linear", (4,)), 4),
        (Network("bias_layer"), 6),
        (Network("identity"), 6),
        (Network("normalize"), 6),
        (Network("prototypes", (11,)), 11),
        (Network("chain", parts=(Network("linear", (4,)), Network("mlp", (3, 2)))), 2),
        (Network("ema", parts=(Network("linear", (4,)),), momentum=0.9), 4),
        (Network("frozen", parts=(Network("prototypes", (5,)),)), 5),
        (Network("freeze_for", parts=(Network("linear", (4,)),), steps=3), 4),
    ],
)
def test_sizes(network, size):
    module, found = made(network)
    assert found == size
    assert module(torch.randn(8, 6)).shape == (8, size)


def test_a_reference_is_the_module_itself():
    shared = nn.Linear(6, 4)
    module, size = made(Network("reference", name="projector"), projector=shared)
    assert module is shared
    assert size == 4


def test_the_size_of_a_reference_in_a_chain_is_read_off_or_given():
    chain = Network("chain", parts=(Network("reference", name="encoder"), Network("linear", (3,))))
    _, size = made(chain, in_features=0, encoder=nn.Sequential(nn.Linear(6, 4), nn.ReLU()))
    assert size == 3
    encoder = nn.Flatten()
    module, _ = build(chain, in_features=0, named={"encoder": encoder}, sizes={"encoder": 12})
    assert module[1].in_features == 12
    with pytest.raises(ValueError, match="the size of the input of `linear` is not known"):
        build(chain, in_features=0, named={"encoder": encoder})
    with pytest.raises(ValueError, match=r"features\(encoder\) is not bound"):
        made(Network("linear", ("features(encoder)",)))


class TestTargets:
    def test_ema_averages_parameters_and_keeps_its_own_buffers(self):
        source = nn.Sequential(nn.Linear(6, 4), nn.BatchNorm1d(4))
        target, _ = made(Network("ema", parts=(Network("reference", name="s"),)), s=source)
        before = [p.clone() for p in target.parameters()]
        assert all(torch.equal(a, b) for a, b in zip(before, source.parameters(), strict=True))
        with torch.no_grad():
            for parameter in source.parameters():
                parameter.add_(1)
        source(torch.randn(9, 6) + 5)
        target.update(source, 0.75)
        for old, new, now in zip(before, target.parameters(), source.parameters(), strict=True):
            torch.testing.assert_close(new.data, 0.75 * old + 0.25 * now)
        assert torch.equal(target.network[1].running_mean, torch.zeros(4))
        target(torch.randn(9, 6) + 5)  # in training mode it normalises by the batch, and counts for itself
        assert target.network[1].running_mean.abs().sum() > 0

    @pytest.mark.parametrize("kind", ["ema", "frozen"])
    def test_gradient_passes_to_the_input_alone(self, kind):
        source = nn.Linear(6, 4)
        target, _ = made(Network(kind, parts=(Network("reference", name="s"),)), s=source)
        x = torch.randn(3, 6, requires_grad=True)
        target(x).sum().backward()
        assert x.grad.abs().sum() > 0
        assert all(p.grad is None and not p.requires_grad for p in target.parameters())
        assert all(p.requires_grad for p in source.parameters())
        assert not {id(p) for p in target.parameters()} & {id(p) for p in source.parameters()}

    def test_freeze_for_leaves_parameters_to_no_optimiser_until_thawed(self):
        module, _ = made(Network("freeze_for", parts=(Network("linear", (4,)),), steps=2))
        optimizer = torch.optim.SGD(module.parameters(), lr=1.0, momentum=0.9, weight_decay=0.1, fused=True)
        before = module.network.weight.clone()

        def step():
            x = torch.ones(2, 6, requires_grad=True)
            module(x).sum().backward()
            optimizer.step()
            return x.grad.abs().sum() > 0

        assert step()
        assert torch.equal(module.network.weight, before)
        module.thaw()
        assert step()
        assert not torch.equal(module.network.weight, before)

    def test_a_loaded_state_is_as_thawed_as_it_was_saved(self):
        network = Network("freeze_for", parts=(Network("linear", (4,)),), epochs=2)
        one, two = made(network)[0], made(network)[0]
        assert (one.steps(10), one.steps(None)) == (20, 0)
        frozen = {name: value.clone() for name, value in one.state_dict().items()}
        one.thaw()
        two.load_state_dict(one.state_dict())
        assert two.network.weight.requires_grad
        two.load_state_dict(frozen)
        assert not two.network.weight.requires_grad

    def test_a_target_of_a_frozen_part_never_thaws(self):
        freeze = Network("freeze_for", parts=(Network("linear", (4,)),), steps=1)
        target, _ = made(Network("ema", parts=(Network("chain", parts=(freeze,)),)))
        target.network[0].thaw()
        target.load_state_dict(target.state_dict())
        assert not any(p.requires_grad for p in target.parameters())

    def test_targets_compile_as_one_graph(self):
        module, _ = made(Network("ema", parts=(Network("mlp", (7, 5), norm=BATCH),)))
        x = torch.randn(8, 6)
        torch.testing.assert_close(torch.compile(module, fullgraph=True, backend="eager")(x), module(x))

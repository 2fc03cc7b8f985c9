"""What is measured of a model, and that measuring does not touch it."""

import math

import pytest
import torch
from torch import nn

from losslang.evaluation.measure import Samples, embed, measure, watch
from losslang.evaluation.verdict import verdict


class Tiny(nn.Module):
    """A stand-in for a compiled method."""

    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(2, 4), nn.BatchNorm1d(4))
        self.head = nn.Linear(4, 3)

    def embed(self, views):
        z = torch.stack([self.head(self.encoder(x)) for x in views.values()])
        return {"z": z, "single": z[0]}


@pytest.fixture
def model():
    torch.manual_seed(0)
    return Tiny()


@pytest.fixture
def samples():
    points, labels = torch.randn(1500, 2), torch.arange(1500) % 2
    points += 2 * labels[:, None]
    return Samples(points[:1200], labels[:1200], points[1200:], labels[1200:])


def test_embedding_is_the_first_view_in_evaluation_mode_in_pieces(model, samples):
    state = {name: value.clone() for name, value in model.state_dict().items()}
    found = embed(model, samples.train, ("a", "b"), "z")
    assert model.training
    assert all(torch.equal(value, state[name]) for name, value in model.state_dict().items())
    assert torch.equal(embed(model, samples.train, ("a", "b"), "single").embedding, found.embedding)
    model.eval()
    torch.testing.assert_close(found.features, model.encoder(samples.train).detach())
    torch.testing.assert_close(found.embedding, model.head(found.features).detach())


def test_without_a_named_embedding_the_features_stand_in(model, samples):
    found = embed(model, samples.test, ("a",), "")
    assert found.embedding is found.features or torch.equal(found.embedding, found.features)


def test_measurements_have_their_names(model, samples):
    found = measure(model, samples, ("a",), "z", 20)
    few = watch(model, samples, ("a",), "z", 20)
    assert {"knn", "linear_probe", "embedding_knn", "embedding_linear_probe", "center_norm", "rankme"} <= set(found)
    assert all(found[name] == value for name, value in few.items())
    assert found["linear_probe"] > 0.8
    assert all(math.isfinite(value) for value in found.values())


@pytest.mark.parametrize(
    ("center", "rank", "first", "inputs", "kind"),
    [
        (0.99, 5.0, 5.0, 5.0, "constant"),
        (0.96, 1.0, 5.0, 5.0, "constant"),
        (0.95, 5.0, 5.0, 5.0, "none"),
        (0.2, 2.4, 5.0, 9.0, "dimensional"),
        (0.2, 2.6, 5.0, 9.0, "none"),
        (0.2, 1.0, 5.0, 2.1, "dimensional"),
        (0.2, 1.3, 5.0, 2.0, "none"),
    ],
)
def test_verdicts(center, rank, first, inputs, kind):
    found = verdict(center, rank, first, inputs)
    assert found.kind == kind
    assert found.collapsed == (kind != "none")
    assert ("not collapsed" in found.reason) == (kind == "none")

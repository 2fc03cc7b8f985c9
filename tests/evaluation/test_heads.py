"""Linear classifiers by SGD: torch's own optimiser on torch's own layer gives the same, for every learning rate at once."""

import math

import pytest
import torch
from torch.nn import functional as F

from losslang.evaluation.heads import Heads, Schedule, fit_heads

CLASSES = 4


@pytest.fixture
def data():
    generator = torch.Generator().manual_seed(3)
    labels = torch.randint(0, CLASSES, (90,), generator=generator)
    centers = 2 * torch.randn(CLASSES, 6, generator=generator, dtype=torch.float64)
    return centers[labels] + torch.randn(90, 6, generator=generator, dtype=torch.float64), labels


def reference(features, labels, schedule, rate):
    """The same by torch.optim, one learning rate."""
    mean, scale = features.mean(0), features.std(0, correction=0)
    layer = torch.nn.Linear(features.shape[1], CLASSES, dtype=torch.float64)
    for parameter in layer.parameters():
        torch.nn.init.zeros_(parameter)
    optimizer = torch.optim.SGD(layer.parameters(), lr=rate, momentum=schedule.momentum)
    generator, steps = torch.Generator().manual_seed(schedule.seed), 0
    of_epoch = math.ceil(len(labels) / schedule.batch)
    for _ in range(schedule.epochs):
        for batch in torch.randperm(len(labels), generator=generator).split(schedule.batch):
            optimizer.param_groups[0]["lr"] = rate * (1 + math.cos(math.pi * steps / (schedule.epochs * of_epoch))) / 2
            optimizer.zero_grad()
            F.cross_entropy(layer((features[batch] - mean) / scale), labels[batch]).backward()
            optimizer.step()
            steps += 1
    return layer


def test_every_head_is_the_one_that_torch_trains(data):
    features, labels = data
    schedule = Schedule(epochs=3, batch=32, rates=(0.01, 0.2))
    heard = []
    heads = fit_heads(lambda at, _: features[at], features, labels, torch.arange(90), schedule, heard.append)
    assert heard == [1, 2, 3]
    for at, rate in enumerate(schedule.rates):
        layer = reference(features, labels, schedule, rate)
        torch.testing.assert_close(heads.weight[at].T, layer.weight.detach(), rtol=1e-9, atol=1e-12)
        torch.testing.assert_close(heads.bias[at, 0], layer.bias.detach(), rtol=1e-9, atol=1e-12)


def test_accuracy_is_the_share_of_right_answers(data):
    features, labels = data
    heads = fit_heads(lambda at, _: features[at], features, labels, torch.arange(90), Schedule(epochs=30))
    found = heads.accuracy(features, labels)
    assert found[-1] > 0.9
    for at, accuracy in enumerate(found):
        scores = ((features - heads.mean) / heads.scale) @ heads.weight[at] + heads.bias[at]
        assert accuracy == pytest.approx(float((scores.argmax(1) == labels).double().mean()))


def test_samples_that_are_not_chosen_teach_nothing(data):
    features, labels = data
    chosen = torch.arange(0, 90, 2)
    changed = features.clone()
    changed[1::2] = 1e6

    def fitted(rows) -> Heads:
        return fit_heads(lambda at, _: rows[at], rows, labels, chosen, Schedule(epochs=2))

    assert torch.equal(fitted(features).weight, fitted(changed).weight)


def test_every_epoch_sees_its_own_features(data):
    features, labels = data
    asked = []

    def features_of(at, epoch):
        asked.append((epoch, len(at)))
        return features[at]

    fit_heads(features_of, features, labels, torch.arange(90), Schedule(epochs=2, batch=64))
    assert asked == [(0, 64), (0, 26), (1, 64), (1, 26)]

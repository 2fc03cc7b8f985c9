"""kNN and the linear probe, against plain loops."""

from collections import Counter

import pytest
import torch

from losslang.evaluation.knn import knn_accuracy, knn_predict
from losslang.evaluation.probe import probe_accuracy, probe_predict


@pytest.fixture
def clouds():
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(90) % 3
    points = torch.randn(90, 4, generator=generator) + 1.5 * torch.eye(4)[labels]
    return points[:60], labels[:60], points[60:], labels[60:]


def brute_knn(train, labels, test, k):
    found = []
    for x in test:
        similar = sorted(range(len(train)), key=lambda i: -float(torch.cosine_similarity(x, train[i], dim=0)))
        votes = Counter(labels[similar[:k]].tolist())
        found.append(min(votes, key=lambda label: (-votes[label], label)))
    return found


@pytest.mark.parametrize("k", [1, 5, 20, 1000])
def test_knn_is_the_vote_of_the_nearest(clouds, k):
    train, labels, test, test_labels = clouds
    expected = brute_knn(train, labels, test, k)
    assert knn_predict(train, labels, test, neighbours=k).tolist() == expected
    share = sum(a == b for a, b in zip(expected, test_labels.tolist(), strict=True)) / len(expected)
    assert knn_accuracy(train, labels, test, test_labels, neighbours=k) == pytest.approx(share)


def test_knn_in_pieces_is_knn(clouds):
    train, labels, test, _ = clouds
    many = test.repeat(50, 1)
    assert torch.equal(knn_predict(train, labels, many), knn_predict(train, labels, test).repeat(50))


def test_probe_minimises_its_objective(clouds):
    """Against gradient descent on the ridge objective itself."""
    train, labels, test, _ = (x.double() if x.is_floating_point() else x for x in clouds)
    mean, scale = train.mean(0), train.std(0, correction=0)
    inputs, targets = (train - mean) / scale, torch.eye(3, dtype=torch.float64)[labels]
    weights = torch.zeros(4, 3, dtype=torch.float64, requires_grad=True)
    intercept = torch.zeros(3, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([weights, intercept], max_iter=200, tolerance_grad=1e-12)

    def objective():
        optimizer.zero_grad()
        error = inputs @ weights + intercept - targets
        loss = error.square().sum() + 0.1 * len(inputs) * weights.square().sum()
        loss.backward()
        return loss

    optimizer.step(objective)
    expected = ((test - mean) / scale @ weights + intercept).argmax(1)
    assert torch.equal(probe_predict(train, labels, test, ridge=0.1), expected)


def test_probe_reads_what_is_linear_and_not_more(clouds):
    train, labels, test, test_labels = clouds
    assert probe_accuracy(train, labels, test, test_labels) > 0.6
    ring = torch.linspace(0, 6.283, 200)[:, None]
    points, inside = torch.cat([torch.cos(ring), torch.sin(ring)], 1), torch.arange(200) % 2
    points = points * (1 + inside[:, None])
    assert probe_accuracy(points, inside, points, inside) < 0.6


def test_collapsed_features_give_chance_and_no_error(clouds):
    _, labels, _, test_labels = clouds
    same = torch.ones(60, 4), labels, torch.ones(30, 4), test_labels
    assert probe_accuracy(*same) == pytest.approx(1 / 3)
    assert knn_accuracy(*same) == pytest.approx(1 / 3)

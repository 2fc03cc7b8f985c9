"""What is measured of a training batch."""

import pytest
import torch
from torch import nn

import losslang
from losslang.evaluation.batch import batch_record, observing, output_norm, standardizes
from losslang.evaluation.geometry import center_norm


def test_the_output_norm_is_the_last_layer():
    norm = nn.BatchNorm1d(3)
    assert output_norm(nn.Sequential(nn.Linear(2, 3), norm)) is norm
    assert output_norm(nn.Sequential(nn.Sequential(nn.Linear(2, 3)), nn.Sequential(norm))) is norm
    assert output_norm(nn.Sequential(nn.BatchNorm1d(2), nn.Linear(2, 3))) is None


def test_observing_keeps_what_the_norm_is_given_and_leaves_nothing_behind():
    network = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    x = torch.randn(8, 2)
    with observing(output_norm(network)) as seen:
        network(x)
        network(2 * x)
    assert [torch.equal(one, network[0](k * x)) for one, k in zip(seen, (1, 2), strict=True)] == [True] * 2
    network(x)
    assert len(seen) == 2
    with observing(None) as nothing:
        assert nothing == []


@pytest.mark.parametrize(("method", "answer"), [("barlow", True), ("simsiam", False), ("vicreg", False)])
def test_standardising_is_read_off_the_objective(method, answer):
    assert standardizes(losslang.load(method), "z") is answer


def test_numbers_before_and_after_the_norm():
    z = torch.randn(2, 16, 4, dtype=torch.float64) + 5
    before = torch.randn(16, 4) + 5
    record, center = batch_record(z, {"t": torch.ones_like(z)}, [before, before], None, standardized=True)
    batch = record["batch"]
    assert batch["center_norm"] == pytest.approx(float(center_norm(z.flatten(0, 1))))
    assert batch["before_norm/center_norm"] == pytest.approx(float(center_norm(before)))
    assert batch["after_norm/center_norm"] < 0.5 < batch["center_norm"]
    assert "center_turn" not in batch
    again, _ = batch_record(z, {"t": torch.ones_like(z)}, [], center)
    assert again["batch"]["center_turn"] == pytest.approx(1)


def test_an_embedding_of_one_view_has_no_alignment():
    record, _ = batch_record(torch.randn(16, 4), {"t": torch.zeros(16, 4)}, [], None)
    assert "alignment" not in record["batch"]
    assert record["gradient"]["norm/t"] == 0

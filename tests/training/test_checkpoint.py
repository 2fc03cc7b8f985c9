"""Checkpoints say whether they are whole, and no code of theirs runs."""

import pickle
import random

import pytest
import torch

from losslang.training.checkpoint import Damaged, check_seal, pack, seal, unpack

STATE = {"step": 3, "model": {"weight": torch.arange(6.0).view(2, 3)}, "optimizer": {}}


@pytest.fixture
def path(tmp_path):
    file = tmp_path / "checkpoint.pt"
    file.write_bytes(pack(STATE))
    return file


def test_what_was_packed_comes_out(path):
    state = unpack(path, "cpu")
    assert torch.equal(state["model"]["weight"], STATE["model"]["weight"])
    assert state["step"] == 3
    assert pack(state) == path.read_bytes()


def test_others_can_read_it(path):
    assert torch.load(path, weights_only=True)["step"] == 3


@pytest.mark.parametrize("seed", range(20))
def test_any_changed_bit_is_seen(path, seed):
    content, at = bytearray(path.read_bytes()), random.Random(seed)
    content[at.randrange(len(content))] ^= 1 << at.randrange(8)
    path.write_bytes(content)
    with pytest.raises(Damaged, match="its checksum does not fit"):
        check_seal(path)


@pytest.mark.parametrize("kept", [0, 10, 100, -1])
def test_a_cut_file_is_seen(path, kept):
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(Damaged, match="its checksum does not fit"):
        unpack(path, "cpu")


def test_a_missing_file_is_said_to_be(tmp_path):
    with pytest.raises(Damaged, match="cannot be read: No such file"):
        unpack(tmp_path / "checkpoint.pt", "cpu")


def test_code_in_a_checkpoint_does_not_run(tmp_path):
    class Trap:
        def __reduce__(self):
            return (open, (str(tmp_path / "sprung"), "w"))

    archive = tmp_path / "trap"
    torch.save({"model": Trap()}, archive, pickle_module=pickle)
    path = tmp_path / "checkpoint.pt"
    path.write_bytes(seal(archive.read_bytes()))
    with pytest.raises(Damaged, match="does not load"):
        unpack(path, "cpu")
    assert not (tmp_path / "sprung").exists()

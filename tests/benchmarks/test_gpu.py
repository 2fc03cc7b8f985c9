"""The command for a GPU runs, tiny, on the CPU; a part that fails does not stop the others."""

import pytest
import torch

from tests.benchmarks import gpu, probes


def test_every_part_but_kernels_and_peers_runs(tmp_path):
    """Kernels need triton, and peers have a test of their own."""
    out = tmp_path / "gpu.md"
    assert gpu.main(["--smoke", "--parts", "contrast,largest,step", "--out", str(out)]) == 0
    text = out.read_text()
    assert text.startswith("# The losses on ")
    assert torch.__version__ in text
    assert "| infonce_oneway | losslang, tiles of torch |" in text
    assert "| vicreg | " in text
    assert "failed" not in text


def test_a_part_that_fails_is_said_and_does_not_stop_the_others(tmp_path, monkeypatch):
    def broken(setting):
        yield "| before |"
        raise ValueError("no such kernel\nmore")

    monkeypatch.setitem(gpu.PARTS, "tiles", ("The kernels beside float64", broken))
    out = tmp_path / "gpu.md"
    assert gpu.main(["--smoke", "--parts", "tiles,largest", "--out", str(out)]) == 1
    assert "This part failed: ValueError: no such kernel\n" in out.read_text()
    assert "## The largest batch" in out.read_text()


def test_running_out_of_memory_is_a_finding():
    def full():
        raise torch.OutOfMemoryError

    setting = gpu.Setting("cpu", 8, 8, 2, 32, 1, 0)
    assert gpu.measure(full, setting).cells() == "out of memory | –"


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_without_a_gpu_it_says_so(capsys):
    assert gpu.main([]) == 2
    assert "torch finds no GPU here" in capsys.readouterr().err


def test_estimates_are_measured_beside_the_exact_forms(tmp_path):
    out = tmp_path / "probes.md"
    probes.main(["--smoke", "--out", str(out)])
    lines = [line for line in out.read_text().splitlines() if line.startswith("| 32 × 48 |")]
    assert len(lines) == 8
    assert sum("| exact | – | – |" in line for line in lines) == 4

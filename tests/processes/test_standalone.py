"""`losslang compile SPEC -o loss.py`: the file needs torch alone, and gives the same on one process and on many."""

import os
import subprocess
import sys

import pytest
import torch

from losslang.cli import main
from losslang.shipped import shipped_specs
from tests.processes import standalone

METHODS = {
    "vicreg": "squared_products_of_all(",
    "coding_rate": "logdet_of_products_of_all(",
    "simclr": "Columns(",
    "mocov2": "push_rows(",
    "dino": "self.center_next",
    "swav": "sinkhorn_of_all(",
    "corinfomax": "self.r_next",
}
"""What each has that others lack: covariances, log-dets, similarities, a queue, a center, assignments, running covariances."""

BLOCK = """\
import sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "losslang":
            raise ImportError(name + " is not there")

sys.meta_path.insert(0, Blocked())
"""
"""Python runs a module of the name sitecustomize before all others; this one makes losslang impossible to import."""


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """The folder with what one process and both of two saved: the command line writes the files, torchrun runs them."""
    folder, before = tmp_path_factory.mktemp("emitted"), tmp_path_factory.mktemp("before")
    for name in METHODS:
        path = shipped_specs()[name]
        wanted = {"size": 8, "width": 8, "prototypes": 8, "queue": 80, "start": 0}
        known = [f"--set={k}={v}" for k, v in wanted.items() if f"{k}:" in path.read_text()]
        assert main(["compile", str(path), "-o", str(folder / f"{name}.py"), *known]) == 0
    (before / "sitecustomize.py").write_text(BLOCK)
    environment = {k: v for k, v in os.environ.items() if k not in {"RANK", "WORLD_SIZE"}}
    environment |= {"PYTHONPATH": str(before), "OMP_NUM_THREADS": "1"}
    torchrun = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    for launcher in ([], torchrun):
        command = [sys.executable, *launcher, standalone.__file__, str(folder)]
        ended = subprocess.run(
            command, check=False, env=environment, cwd=before, capture_output=True, text=True, timeout=300
        )
        assert ended.returncode == 0, ended.stderr
    return folder


def of(folder, name, world):
    """What every process saved."""
    return [torch.load(folder / f"{name}.{world}.{rank}.pt") for rank in range(world)]


@pytest.mark.parametrize("name", METHODS)
def test_a_file_gives_the_same_on_two_processes(saved, name):
    (one,) = of(saved, name, 1)
    for of_many in of(saved, name, 2):
        rows = slice(*of_many["rows"])
        for alone, many in zip(one["steps"], of_many["steps"], strict=True):
            torch.testing.assert_close(many["terms"], alone["terms"], rtol=1e-10, atol=1e-12)
            own = {name: gradient[..., rows, :] for name, gradient in alone["gradients"].items()}
            torch.testing.assert_close(many["gradients"], own, rtol=1e-9, atol=1e-12)
        torch.testing.assert_close(of_many["state"], one["state"], rtol=1e-10, atol=1e-12, equal_nan=True)


@pytest.mark.parametrize("name", METHODS)
def test_processes_have_other_rows_and_the_method_what_it_stands_for(saved, name):
    assert METHODS[name] in (saved / f"{name}.py").read_text()
    first, second = (each["steps"][0]["gradients"] for each in of(saved, name, 2))
    assert first
    assert all(first[k].shape != second[k].shape for k in first)

"""Emitted files by themselves, without losslang: python standalone.py FOLDER, or torchrun … standalone.py FOLDER.

FOLDER has what `losslang compile SPEC -o METHOD.py` wrote. Each is a module of its own; what comes of some steps is saved beside
it, by number of processes and rank. Rows are shared unevenly. Needs torch alone, and raises where losslang is imported.
"""

import importlib.util
import os
import sys
from pathlib import Path

import torch
import torch._dynamo  # loaded after init_process_group, it would keep gloo's threads alive, which may abort the end
from torch import distributed as dist
from torch import nn

ROWS, SIZE, STEPS = 36, 8, 3
SHARES = {1: [36], 2: [13, 23]}
VIEWS = {"dino": {"s": 10, "t": 2}, "swav": {"z": 8}, "mocov2": {"q": 0, "k": 0}}
"""The views of every input; two of `z` where nothing is said, and 0 for an input without views."""


def main(folder):
    """Every file in turn."""
    many = "RANK" in os.environ
    if many:
        dist.init_process_group("gloo")
    rank, world = (dist.get_rank(), dist.get_world_size()) if many else (0, 1)
    for path in sorted(Path(folder).glob("*.py")):
        torch.save(run(path, rank, world), path.with_suffix(f".{world}.{rank}.pt"))
    assert not [name for name in sys.modules if name.split(".")[0] == "losslang"]
    if many:
        dist.destroy_process_group()


def run(path, rank, world):
    """Terms of every step, what own rows get of the gradient, the gradients of what trains in the loss, and its state."""
    loss = opened(path)
    start = sum(SHARES[world][:rank])
    own = slice(start, start + SHARES[world][rank])
    optimizer = torch.optim.SGD([*loss.parameters(), nn.Parameter(torch.zeros(()))], lr=0.1)
    found = []
    for step in range(STEPS):
        values = inputs(path.stem, step, own)
        out = loss(**values)
        optimizer.zero_grad()
        out.total.backward()
        for parameter in loss.parameters():
            averaged(parameter, world)
        optimizer.step()
        loss.after_step()
        terms = {name: value.detach() for name, value in {"total": out.total, **out.terms, **out.raw}.items()}
        gradients = {name: x.grad / world for name, x in values.items() if x.grad is not None}
        found.append({"terms": terms, "gradients": gradients})
    return {"steps": found, "rows": (own.start, own.stop), "state": loss.state_dict()}


def opened(path):
    """The loss that a file has, in float64."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    (kind,) = (value for name, value in vars(module).items() if name.endswith("Loss"))
    torch.manual_seed(0)
    networks = [nn.Linear(SIZE, SIZE, bias=False)] if path.stem == "swav" else []
    return kind(*networks).double()


def inputs(method, step, own):
    """The same rows for any number of processes, by name, of which `own` are taken."""
    generator = torch.Generator().manual_seed(step)
    found = {}
    for name, views in VIEWS.get(method, {"z": 2}).items():
        x = torch.randn(*([views] if views else []), ROWS, SIZE, generator=generator, dtype=torch.float64)
        found[name] = x[..., own, :].clone().requires_grad_()
    return found


def averaged(parameter, world):
    """As DistributedDataParallel leaves a gradient."""
    if world > 1:
        dist.all_reduce(parameter.grad)
        parameter.grad /= world


if __name__ == "__main__":
    main(sys.argv[1])

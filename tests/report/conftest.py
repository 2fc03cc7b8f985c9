"""Small finished runs, and synthetic ones of any size."""

import json
import math

import pytest

from losslang.cli import main
from losslang.report.runs import RunData
from losslang.shipped import shipped_specs

SPECS = {name: str(path) for name, path in shipped_specs().items()}
METHODS = ("simsiam", "simsiam_no_stopgrad", "barlow")


@pytest.fixture(scope="session")
def runs(tmp_path_factory):
    """Three methods with two seeds each, a second of training each."""
    folder = tmp_path_factory.mktemp("report") / "runs"
    sets = ["steps=120", "log_every=20", "evaluation.every=40"]
    arguments = [part for setting in sets for part in ("--set", setting)]
    specs = [SPECS[name] for name in METHODS]
    assert main(["train", *specs, "--seeds", "2", *arguments, "--out", str(folder), "--quiet"]) == 0
    return folder


@pytest.fixture(scope="session")
def page(runs):
    """Their page, by the command."""
    path = runs.parent / "page.html"
    assert main(["report", str(runs), "-o", str(path)]) == 0
    return path


def synthetic(folder, method, seed, points):
    """A run with so many logged steps, as it would have been read."""
    settings = {
        "method": method,
        "hash": method,
        "steps": 10 * points,
        "parameters": {},
        "settings": {"data": {"value": "blobs", "set by": "default"}, "seed": {"value": seed, "set by": "--seeds"}},
    }
    names = ["center_norm", "residual_norm", "residual_rms", "spread", "correlation", "alignment", "uniformity"]

    def number(step, at):
        return math.sin(step / 300 + at) + 0.1 * math.sin(step * (seed + 1.7) + at)

    records = [
        {
            "step": 10 * step,
            "total": number(step, 1),
            "terms": {"align": number(step, 2)},
            "learning_rate": number(step, 3),
            "batch": {name: number(step, at) for at, name in enumerate(names, 4)},
            "gradient": {f"{name}/align": number(step, at) for at, name in enumerate(("norm", "center_force"), 20)},
        }
        for step in range(points)
    ]
    (folder / "method.yaml").write_text("losslang: 1\n")
    return RunData(folder, settings, {}, json.loads(json.dumps(records)), None)

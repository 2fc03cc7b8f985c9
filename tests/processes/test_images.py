"""Image training on two processes is that on one: five steps, batch norm over both, multi-crop and queue included.

In float64 at full learning rates; in float32 at those with which the recipe imagenet100 begins. Rounding that puts a ReLU on
the other side of 0 changes a gradient in its third digit, so that at full rates no two runs in float32 are near, nor is one
near itself with every pixel moved by its last bit. So the network is small, too: few ReLUs are few chances (docs/processes.md).
"""

import numpy as np
import pytest

from losslang.data.origin import find_images
from losslang.data.prepare import Preparation, prepare
from losslang.pipeline import load
from losslang.shipped import shipped_specs
from losslang.training.plan import resolve_run
from losslang.training.preview import preview
from tests.benchmarks.jpegs import write_folder
from tests.processes import trials

TOLERANCE = 1e-9
METHODS = ["simsiam", "byol", "dino", "vicreg", "swav"]

RECIPE = """\
# tiny images, a tiny ResNet
steps: 10
batch_size: 24
augmentation: {like: byol, all: {size: 16}, local: {size: 8}}
backbone: {name: resnet18, stem: cifar, width: 4}
parameters: {width: 16, size: 8, prototypes: 16, queue: 48, start: 0, bottleneck: 8}
device: cpu
precision: float64
threads: 1
"""


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A recipe and a cache of generated photos."""
    root = tmp_path_factory.mktemp("photos")
    write_folder(root / "shapes", 144, 4, side=40)
    (root / "tiny.yaml").write_text(RECIPE)
    cache = prepare(find_images(root / "shapes"), root / "cache", Preparation(size=24, processes=1)).path
    return str(root / "tiny.yaml"), str(cache)


@pytest.mark.parametrize("method", METHODS)
def test_two_processes_are_one(pool, data, method):
    sets = {"augmentation": method} if method in {"dino", "swav"} else {}
    one = trials.train_images(method, *data, sets)
    for many in pool(2).run("train_images", *[(method, *data, sets)] * 2):
        assert max(trials.worst(one, many)) < TOLERANCE
    own = pool(2).run("train_images", *[(method, *data, sets | {"batchnorm": "process"})] * 2)[0]
    assert max(trials.worst(one, own)) > 1e-3  # with own rows' batch norm it is another run


@pytest.mark.parametrize(("method", "batchnorm"), [*((method, "global") for method in METHODS), ("byol", "process")])
def test_the_dry_run_counts_exchanges(pool, data, method, batchnorm):
    """Those of norms, of the loss, of the online probe and of gradients."""
    sets = {"batchnorm": batchnorm} | ({"augmentation": method} if method in {"dino", "swav"} else {})
    plan = resolve_run(shipped_specs()[method], data[0], data=data[1], sets=sets)
    said = next(line for line in preview(plan, 2) if "exchanges a step" in line)
    for found in pool(2).run("image_exchanges", *[(method, *data, sets)] * 2):
        assert said == f"  together {found} exchanges a step"


# ---------------------------------------------------------------- float32

BEGINNING = {
    "epochs": "351867", "batch_size": "24", "backbone.stem": "cifar", "backbone.width": "4", "augmentation.all.size": "16",
    "device": "cpu", "precision": "float32", "layout": "channels_first", "compile": "never", "threads": "1",
}  # fmt: skip
"""The recipe imagenet100 on few and small images: the first of 2.1 million steps, as ImageNet-100 has in such batches."""
SIZES = {"width": 64, "size": 16, "prototypes": 32, "queue": 96, "start": 0, "bottleneck": 16}


def _beginning(method):
    sets = BEGINNING | {
        f"parameters.{n}": str(SIZES[n]) for n in load(shipped_specs()[method]).parameters if n in SIZES
    }
    if method in {"dino", "swav"}:
        sets |= {"augmentation": method, "augmentation.local.size": "8"}
    return sets


def _gap(one, two):
    """The largest difference of two runs' parameters."""
    return max(np.abs(value - two[1][name]).max() for name, value in one[1].items() if name in one[2])


@pytest.mark.parametrize("method", METHODS)
def test_two_processes_are_one_in_float32(pool, data, method):
    run = ("imagenet100", data[1], _beginning(method))
    one, many = trials.train_images(method, *run), pool(2).run("train_images", *[(method, *run)] * 2)
    assert max(_gap(one, each) for each in many) <= 5e-7
    own = pool(2).run("train_images", *[(method, *run[:2], run[2] | {"batchnorm": "process"})] * 2)[0]
    assert _gap(one, own) > 4e-6  # what the bound would see

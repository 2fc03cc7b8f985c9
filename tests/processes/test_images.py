"""Image training on two processes is that on one: five steps, batch norm over both, multi-crop and queue included.

In float64: this small network makes much of rounding, so that in float32 five steps set runs apart on any two machines, too.
"""

import pytest

from losslang.data.origin import find_images
from losslang.data.prepare import Preparation, prepare
from tests.benchmarks.jpegs import write_folder
from tests.processes import trials

TOLERANCE = 1e-9

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
    write_folder(root / "shapes", 72, 4, side=40)
    (root / "tiny.yaml").write_text(RECIPE)
    cache = prepare(find_images(root / "shapes"), root / "cache", Preparation(size=24, processes=1)).path
    return str(root / "tiny.yaml"), str(cache)


@pytest.mark.parametrize("method", ["simsiam", "byol", "dino", "vicreg", "swav"])
def test_two_processes_are_one(pool, data, method):
    sets = {"augmentation": method} if method in {"dino", "swav"} else {}
    one = trials.train_images(method, *data, sets)
    for many in pool(2).run("train_images", *[(method, *data, sets)] * 2):
        assert max(trials.worst(one, many)) < TOLERANCE
    own = pool(2).run("train_images", *[(method, *data, sets | {"batchnorm": "process"})] * 2)[0]
    assert max(trials.worst(one, own)) > 1e-3  # with own rows' batch norm it is another run

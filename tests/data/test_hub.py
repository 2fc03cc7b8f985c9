"""`losslang data hub` with the package datasets itself, on a data set that lies on the disk; the network is not asked."""

import os
import subprocess
import sys

import pytest

from losslang.data.cache import open_cache
from losslang.data.origin import find_images
from losslang.data.prepare import Preparation, prepare
from tests.benchmarks.jpegs import write_folder

pytest.importorskip("datasets", reason="the extra hub is not installed")

WRITE = """\
import datasets, sys
parts = datasets.load_dataset("imagefolder", data_dir=sys.argv[1])
parts["validation"] = parts.pop("validation", None) or parts.pop("test")
for name, part in parts.items():
    part.to_parquet(f"{sys.argv[2]}/{name}-00000-of-00001.parquet")
"""


@pytest.fixture(scope="module")
def env(tmp_path_factory):
    """Programs of their own: the package keeps threads and warnings to itself there, and looks for no network."""
    home = tmp_path_factory.mktemp("home")
    return os.environ | {"HF_HOME": str(home), "HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1"}


def losslang(env, *arguments):
    program = [sys.executable, "-m", "losslang", *map(str, arguments)]
    return subprocess.run(program, capture_output=True, text=True, check=False, env=env, timeout=200)


def test_a_data_set_becomes_a_cache(env, tmp_path):
    write_folder(tmp_path / "shapes", 12, 3, side=40)
    (tmp_path / "pets").mkdir()
    subprocess.run(
        [sys.executable, "-c", WRITE, tmp_path / "shapes", tmp_path / "pets"], check=True, env=env, timeout=200
    )
    done = losslang(env, "data", "hub", tmp_path / "pets", "--size", 24, "--out", tmp_path / "cache", "--processes", 1)
    assert done.returncode == 0, done.stderr
    assert "pets, 3 classes" in done.stdout
    cache = open_cache(tmp_path / "cache")
    assert (cache.train, cache.test, cache.size) == (12, 3, 24)
    same = prepare(find_images(tmp_path / "shapes"), tmp_path / "same", Preparation(size=24, processes=1))
    assert {seen(cache, row) for row in cache.rows} == {seen(same, row) for row in same.rows}


def seen(cache, row):
    """Class, size of the original, and pixels."""
    return int(row["label"]), int(row["height"]), int(row["width"]), cache.pixels[row["position"]].tobytes()


def test_what_is_not_there_is_said_in_one_line(env):
    done = losslang(env, "data", "hub", "losslang/no-such-set")
    assert done.returncode == 1
    assert "losslang/no-such-set does not load from the hub" in done.stderr
    assert "Traceback" not in done.stderr

"""The data sets: what the table says of them holds."""

import builtins
import subprocess
import sys

import numpy as np
import pytest

from losslang.data import points
from losslang.data.datasets import DATASETS
from losslang.data.policies import POLICIES
from losslang.diagnostics import LosslangError


@pytest.mark.parametrize("row", DATASETS.values(), ids=DATASETS)
def test_rows_describe_their_data(row):
    arrays = row.load()
    for part, samples in zip((arrays.train, arrays.test), row.samples, strict=True):
        assert part.inputs.shape == (samples, *row.shape)
        assert part.inputs.dtype == np.float32
        assert part.labels.shape == (samples,)
        assert set(part.labels.tolist()) == set(range(row.classes))
    assert np.array_equal(row.load().train.inputs, arrays.train.inputs)
    options = dict(row.augmentation)
    POLICIES[options.pop("policy")].model_validate(options)


@pytest.mark.parametrize("name", ["blobs", "moons"])
def test_points_are_standardised(name):
    arrays = DATASETS[name].load()
    points = np.concatenate([arrays.train.inputs, arrays.test.inputs])
    assert np.allclose(points.mean(0), 0, atol=1e-5)
    assert np.allclose(points.std(0), 1, atol=1e-5)


def test_digits_lie_between_0_and_1_and_no_image_is_in_both_parts():
    arrays = DATASETS["digits"].load()
    assert arrays.train.inputs.min() == 0
    assert arrays.train.inputs.max() == 1
    images = [x.tobytes() for part in (arrays.train, arrays.test) for x in part.inputs]
    assert len(images) == len(set(images)) == 1797


def test_without_scikit_learn_the_message_names_the_remedy(monkeypatch):
    real = builtins.__import__

    def missing(name, *arguments, **keywords):
        if name.startswith("sklearn"):
            raise ImportError(name)
        return real(name, *arguments, **keywords)

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(LosslangError, match=r"pip install 'losslang\[toy\]'"):
        DATASETS["digits"].load()


def test_points_are_those_of_scikit_learn():
    sets = pytest.importorskip("sklearn.datasets")
    centers = [[0.0, 1.0], [2.0, 3.0], [5.0, 1.0]]
    theirs = sets.make_blobs(300, centers=centers, cluster_std=0.8, random_state=7)
    for mine, other in zip(points.blobs(300, centers, 0.8, 7), theirs, strict=True):
        assert np.array_equal(mine, other)
    for mine, other in zip(points.moons(300, 0.05, 7), sets.make_moons(300, noise=0.05, random_state=7), strict=True):
        assert np.array_equal(mine, other)


def test_the_table_costs_no_heavy_import():
    program = "import sys, losslang.data.datasets; assert not {'torch', 'sklearn', 'numpy'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True)

"""What a caller of the modules gets wrong is answered in words."""

import numpy as np
import pytest
import torch
from torch import nn

from losslang import LosslangError, compile_loss
from losslang import compile as compile_model


def small():
    backbone = nn.Sequential(nn.Flatten(), nn.Linear(6, 8))
    return compile_model("simclr", backbone=backbone, feature_size=8, parameters={"width": 4, "size": 4})


def test_sizes_of_inputs_that_are_not_there():
    with pytest.raises(LosslangError, match="`vicreg` has no input `zz`; its inputs are z"):
        compile_loss("vicreg", sizes={"zz": 8})
    with pytest.raises(LosslangError, match="`byol` has no input `embedding`; its inputs are p, t"):
        compile_loss("byol", sizes={"embedding": 8})


def test_views_of_different_shapes():
    loss, rows = compile_loss("vicreg", sizes={"z": 8}), torch.randn(4, 8)
    for other in (rows[:3], rows[:, :5]):
        shown = f"views have one shape, and here a is \\[4, 8\\], b is \\{list(other.shape)}"[:-1]
        for views in ({"a": rows, "b": other}, [rows, other]):
            with pytest.raises(ValueError, match=shown):
                loss(z=views)


def test_parameters_that_are_not_there():
    with pytest.raises(LosslangError, match="parameters=: the method `vicreg` has no parameter `varianc`"):
        compile_loss("vicreg", parameters={"varianc": 1})


def test_views_that_are_missing():
    model, rows = small(), torch.randn(4, 6)
    for call in (model, model.embed):
        with pytest.raises(LosslangError, match="takes the views a, b, each by its own name; b is missing among a, c"):
            call({"a": rows, "c": rows})
    assert model({"a": rows, "b": rows, "c": rows}).total.isfinite()


@pytest.mark.parametrize("value", [0, -3, 2.5, "16", True])
def test_sizes_and_steps_are_whole_numbers(value):
    with pytest.raises(LosslangError, match="the size of `z` is a whole number above 0, not"):
        compile_loss("vicreg", sizes={"z": value})
    for name in ("steps", "steps_per_epoch", "images"):
        with pytest.raises(LosslangError, match=f"{name}= is a whole number above 0, not"):
            compile_loss("vicreg", **{name: value})
    with pytest.raises(LosslangError, match="feature_size= is a whole number above 0, not"):
        compile_model("simclr", backbone=nn.Flatten(), feature_size=value)


def test_sizes_may_be_numbers_of_numpy():
    assert compile_loss("vicreg", sizes={"z": np.int64(3)})(z=torch.randn(2, 4, 3)).total.isfinite()


def test_embeddings_are_tensors_of_real_numbers():
    loss = compile_loss("vicreg", sizes={"z": 8})
    with pytest.raises(TypeError, match=r"`z` holds torch.int64, and embeddings are real numbers: take z.float\(\)"):
        loss(z=torch.ones(2, 4, 8, dtype=torch.int64))
    for views in (np.zeros((2, 4, 8)), {"a": np.zeros((4, 8)), "b": np.zeros((4, 8))}):
        with pytest.raises(TypeError, match="views are tensors, and here is ndarray"):
            loss(z=views)


@pytest.mark.parametrize(
    ("backbone", "shape", "found"),
    [(nn.Linear(6, 7), (4, 6), r"\[4, 7\]"), (nn.Conv2d(3, 8, 3), (4, 3, 5, 5), r"\[4, 8, 3, 3\]")],
)
def test_a_backbone_of_another_shape_is_named(backbone, shape, found):
    model = compile_model("simclr", backbone=backbone, feature_size=8, parameters={"width": 4, "size": 4})
    with pytest.raises(ValueError, match=rf"the backbone `encoder` gives {found}, not \[batch, feature=8\]"):
        model({"a": torch.randn(shape), "b": torch.randn(shape)})


def test_views_hold_the_same_images():
    model, rows = small(), torch.randn(4, 6)
    for views in ({"a": rows, "b": rows[:3]}, [rows, rows[:3]]):
        with pytest.raises(LosslangError, match="every view holds the same images, and here a has 4, b has 3"):
            model(views)
    for count in (1, 3):
        for views in ([rows] * count, torch.stack([rows] * count)):
            with pytest.raises(LosslangError, match=rf"takes 2 views \(a, b\), not {count}"):
                model(views)

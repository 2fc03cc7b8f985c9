"""What a caller of the modules gets wrong is answered in words."""

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

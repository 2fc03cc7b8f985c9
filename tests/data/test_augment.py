"""Augmentation: batched, per sample, and what it says it is."""

import pytest
import torch
from torch.nn import functional as F

from losslang.data.augment import augment, crop_matrix
from losslang.data.counter import Draws
from losslang.data.policies import POLICIES, Image, Noise, Nothing, Photo

IMAGES = torch.rand(40, 1, 8, 8, generator=torch.Generator().manual_seed(0))
POINTS = torch.rand(40, 2, generator=torch.Generator().manual_seed(0))
STILL = {"crop": 1.0, "ratio": 1.0, "brightness": 0.0, "contrast": 0.0, "noise": 0.0}


def draws(samples, view=0):
    return Draws(seed=0, epoch=0, view=view, samples=torch.as_tensor(samples))


@pytest.mark.parametrize(
    ("inputs", "policy"), [(POINTS, Noise(scale=0.5)), (IMAGES, Image(flip=0.5)), (IMAGES, Noise())]
)
def test_a_sample_is_augmented_the_same_in_every_batch(inputs, policy):
    together = augment(inputs, policy, draws(range(40)))
    some = [31, 7, 7, 0]
    torch.testing.assert_close(augment(inputs[some], policy, draws(some)), together[some])
    assert together.shape == inputs.shape
    assert not torch.allclose(augment(inputs, policy, draws(range(40), view=1)), together)


def test_noise_has_the_scale_it_is_told():
    many = torch.zeros(5000, 2)
    noise = augment(many, Noise(scale=0.3), draws(range(5000)))
    assert noise.std() == pytest.approx(0.3, rel=0.03)
    assert torch.equal(augment(many, Nothing(), draws(range(5000))), many)


def test_an_image_policy_that_does_nothing_does_nothing():
    torch.testing.assert_close(augment(IMAGES, Image(**STILL), draws(range(40))), IMAGES)


def test_flip_mirrors_columns():
    flipped = augment(IMAGES, Image(**STILL, flip=1.0), draws(range(40)))
    torch.testing.assert_close(flipped, IMAGES.flip(3))


def test_brightness_multiplies_and_contrast_keeps_the_mean():
    bright = augment(IMAGES, Image(**STILL | {"brightness": 0.4}), draws(range(40))) / IMAGES
    gain = bright.flatten(1)
    assert (gain.amax(1) - gain.amin(1)).max() < 1e-3
    assert 0.6 <= gain.min() < 0.8
    assert 1.2 < gain.max() <= 1.4
    contrast = augment(IMAGES, Image(**STILL | {"contrast": 0.4}), draws(range(40)))
    torch.testing.assert_close(contrast.mean((1, 2, 3)), IMAGES.mean((1, 2, 3)))
    ratio = contrast.std((1, 2, 3)) / IMAGES.std((1, 2, 3))
    assert 0.6 <= ratio.min() < 0.8
    assert 1.2 < ratio.max() <= 1.4


def test_crops_interpolate_as_torch_does():
    start, length = torch.tensor([0.0, 0.25, 0.4]), torch.tensor([1.0, 0.5, 0.6])
    matrix = crop_matrix(start, length, 8)
    torch.testing.assert_close(matrix.sum(2), torch.ones(3, 8))
    x = torch.rand(3, 1, 1, 8, generator=torch.Generator().manual_seed(1))
    centers = (torch.arange(8) + 0.5) / 8
    grid_x = 2 * (start[:, None] + length[:, None] * centers) - 1
    grid = torch.stack([grid_x, torch.zeros_like(grid_x)], dim=-1)[:, None]
    expected = F.grid_sample(x, grid, padding_mode="border", align_corners=False)
    torch.testing.assert_close((matrix @ x[:, 0, 0, :, None])[:, :, 0], expected[:, 0, 0])


def test_every_policy_is_reachable_by_its_name():
    assert set(POLICIES.values()) == {Nothing, Noise, Image, Photo}

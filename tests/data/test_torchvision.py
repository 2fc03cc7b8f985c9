"""Views beside torchvision's own transforms, where it is installed: operation by operation, parameters, whole views."""

import collections
import importlib

import pytest
import torch
from scipy import stats
from torch.nn import functional as F

from losslang.data.color import BLENDS, blend, blurred, gray, rotate_hue, solarize
from losslang.data.counter import Draws
from losslang.data.photos import PhotoView, cut_out, draw
from losslang.data.policies import Photo
from tests.benchmarks.images import torchvision_of

try:
    transforms = importlib.import_module("torchvision.transforms")
    functional = importlib.import_module("torchvision.transforms.functional")
except Exception as error:  # noqa: BLE001 - RuntimeError beside a torch it was not built for
    pytest.skip(f"torchvision does not work here ({str(error).splitlines()[0]})", allow_module_level=True)

GENERATOR = torch.Generator().manual_seed(0)
IMAGES = torch.rand(8, 3, 32, 32, generator=GENERATOR)
COUNT = 4000
COLORS = {"brightness": 0.4, "contrast": 0.4, "saturation": 0.2, "hue": 0.1, "grayscale": 0.2}
BYOL = {
    "a": Photo(size=24, scale=(0.08, 1), blur=1.0, solarize=0.0, **COLORS),
    "b": Photo(size=24, scale=(0.08, 1), blur=0.1, solarize=0.2, **COLORS),
}


def beside(found, operation, *per_image, tolerance=1e-5):
    """Ours for the batch equals theirs for one image after the other."""
    expected = torch.stack([operation(image, *rest) for image, *rest in zip(IMAGES, *per_image, strict=True)])
    torch.testing.assert_close(found, expected, atol=tolerance, rtol=0)


@pytest.mark.parametrize("kind", BLENDS)
def test_jitter(kind):
    factors = torch.linspace(0, 2, 8)
    found = blend(IMAGES, factors, torch.full((8,), BLENDS.index(kind)))
    beside(found, getattr(functional, f"adjust_{kind}"), factors.tolist())


def test_hue():
    turns = torch.linspace(-0.5, 0.5, 8)
    beside(rotate_hue(IMAGES, turns), functional.adjust_hue, turns.tolist())


def test_gray_and_solarize():
    beside(
        gray(IMAGES), functional.rgb_to_grayscale, tolerance=1e-3
    )  # its weights have four digits, too, in other sums
    beside(solarize(IMAGES, torch.ones(8, dtype=torch.bool), 0.502), lambda image: functional.solarize(image, 0.502))


def test_blur():
    """With as many pixels as the kernel of torchvision's has, beyond which ours has e^-15 and less."""
    sigma = torch.linspace(0.1, 2, 8)
    beside(blurred(IMAGES, sigma, 2.0), lambda image, s: functional.gaussian_blur(image, 23, s), sigma.tolist())


def test_crops():
    values = torch.randint(0, 256, (8, 60, 80, 3), generator=GENERATOR, dtype=torch.uint8)
    boxes = [(0, 0, 60, 80), (3, 5, 20, 31), (10, 0, 50, 15), (1, 1, 9, 9), (30, 40, 30, 40), (7, 60, 33, 20)]
    relative = torch.tensor([[t / 60, left / 80, h / 60, w / 80] for t, left, h, w in boxes])
    found = cut_out(values[: len(boxes)], relative, 24)
    for at, box in enumerate(boxes):
        image = values[at].permute(2, 0, 1).float() / 255
        expected = functional.resized_crop(image, *box, [24, 24], antialias=True)
        torch.testing.assert_close(found[at], expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("extent", [(375, 500), (60, 400)])
def test_boxes(extent):
    policy = BYOL["a"]
    p = draw(policy, Draws(seed=5, epoch=0, view=0, samples=torch.arange(COUNT)), torch.tensor([extent] * COUNT))
    found = (p.box.double() * torch.tensor([*extent, *extent])).round()
    torch.manual_seed(0)
    image, get = torch.zeros(3, *extent), transforms.RandomResizedCrop.get_params
    expected = torch.tensor([get(image, list(policy.scale), list(policy.ratio)) for _ in range(COUNT)])
    for column in range(4):
        assert stats.ks_2samp(found[:, column], expected[:, column]).pvalue > 1e-3


def test_strengths_and_orders():
    policy = BYOL["a"]
    p = draw(policy, Draws(seed=5, epoch=0, view=0, samples=torch.arange(COUNT)), torch.tensor([[300, 400]] * COUNT))
    jittered = (p.before != 1).any(1) | (p.after != 1).any(1)
    torch.manual_seed(0)
    ranges = [[1 - getattr(policy, name), 1 + getattr(policy, name)] for name in BLENDS]
    theirs = [transforms.ColorJitter.get_params(*ranges, [-policy.hue, policy.hue]) for _ in range(COUNT)]
    factors = (p.before * p.after).gather(1, p.kinds.argsort(1))[jittered]
    for kind in range(3):
        assert stats.ks_2samp(factors[:, kind], [each[1 + kind] for each in theirs]).pvalue > 1e-3
    assert stats.ks_2samp(p.hue[jittered], [each[4] for each in theirs]).pvalue > 1e-3
    ahead = (p.before != 1).sum(1)  # hue comes after so many of the others
    ours = collections.Counter(
        (*kinds, int(n)) for kinds, n in zip(p.kinds[jittered].tolist(), ahead[jittered], strict=True)
    )
    orders = collections.Counter()
    for order, *_ in theirs:
        places = order.tolist()
        orders[(*(kind for kind in places if kind != 3), places.index(3))] += 1
    assert set(ours) == set(orders)
    table = [[ours[order] for order in sorted(orders)], [orders[order] for order in sorted(orders)]]
    assert stats.chi2_contingency(table).pvalue > 1e-3


@pytest.mark.parametrize("view", ["a", "b"])
def test_whole_views(view):
    """Of one image many views of BYOL's policy: brightness, colour, sharpness and clipping are distributed alike."""
    policy = BYOL[view]
    values = F.interpolate(torch.rand(1, 3, 9, 12, generator=GENERATOR), (60, 80), mode="bicubic").clamp(0, 1)
    pixels = (255 * values[0].permute(1, 2, 0)).round().to(torch.uint8)
    p = draw(policy, Draws(seed=7, epoch=0, view=0, samples=torch.arange(COUNT)), torch.tensor([[60, 80]] * COUNT))
    ours = PhotoView(policy)(pixels.expand(COUNT, -1, -1, -1), p)
    torch.manual_seed(0)
    pipeline = torchvision_of(policy)
    image = pixels.permute(2, 0, 1).float() / 255
    theirs = torch.stack([pipeline(image) for _ in range(COUNT)])
    for measured in (
        lambda x: x.mean((1, 2, 3)),
        lambda x: x.std((1, 2, 3)),
        lambda x: (x.amax(1) - x.amin(1)).mean((1, 2)),
        lambda x: x.diff(dim=3).abs().mean((1, 2, 3)),
        lambda x: x.diff(dim=2).abs().mean((1, 2, 3)),
        lambda x: x[:, :, :12].mean((1, 2, 3)) - x[:, :, 12:].mean((1, 2, 3)),
        lambda x: x[:, 0].mean((1, 2)) - x[:, 2].mean((1, 2)),
    ):
        assert stats.ks_2samp(measured(ours), measured(theirs)).pvalue > 1e-4  # of fourteen comparisons

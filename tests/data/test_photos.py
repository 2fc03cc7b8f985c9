"""Views of photos: pixels against references in float64, parameters against torchvision's rules."""

import colorsys
import itertools
import math
import os
import random

import numpy as np
import pytest
import torch
from scipy import stats
from torch.nn import functional as F

from losslang.data.augment import augment
from losslang.data.bands import Bands, resampled
from losslang.data.color import BLENDS, blend, blur_matrix, blurred, gray, rotate_hue, solarize
from losslang.data.counter import Draws
from losslang.data.crops import resample_bands
from losslang.data.photos import Parameters, PhotoView, Pixels, clean_view, cut_out, draw
from losslang.data.policies import Photo

GENERATOR = torch.Generator().manual_seed(0)
VALUES = torch.randint(0, 256, (12, 40, 40, 3), generator=GENERATOR, dtype=torch.uint8)
IMAGES = torch.rand(12, 3, 16, 16, generator=GENERATOR)
EXTENT = torch.tensor([[40, 40]] * 12)
PLAIN = {"flip": 0, "jitter": 0, "grayscale": 0, "blur": 0, "mean": (0, 0, 0), "std": (1, 1, 1)}


def draws(count, view=0, start=0):
    return Draws(seed=3, epoch=1, view=view, samples=torch.arange(start, start + count))


def close(found, expected, tolerance=2e-6):
    torch.testing.assert_close(found.double(), expected.double(), atol=tolerance, rtol=0)


def dense(bands: Bands, pixels: int):
    """A banded matrix with its zeros."""
    count, blocks, rows, window = bands.weights.shape
    found = torch.zeros(count, blocks, rows, pixels)
    places = bands.pixels[:, :, None].expand(count, blocks, rows, window)
    return found.scatter_add(3, places, bands.weights).flatten(1, 2)[:, : bands.size]


# ---------------------------------------------------------------- pixels, one operation at a time


@pytest.mark.parametrize(("pixels", "size"), [(40, 16), (97, 96), (256, 224), (33, 100), (70, 50)])
def test_products_by_blocks_are_those_of_the_whole_matrix(pixels, size):
    """Crops and blurs of several blocks, the last of which is not always full, against formulas without any."""
    start, length = torch.tensor([0.0, 0.3, 0.5, 0.1]), torch.tensor([1.0, 0.4, 0.5, 0.9])
    mirrored = torch.tensor([False, True, False, True])
    step = (length * pixels / size)[:, None, None]
    place = torch.arange(size).expand(4, size)
    place = torch.where(mirrored[:, None], size - 1 - place, place)[:, :, None]
    at, begin, end = torch.arange(pixels), (start * pixels)[:, None, None], ((start + length) * pixels)[:, None, None]
    triangle = (1 - (at + 0.5 - begin - step * (place + 0.5)).abs() / step.clamp(min=1)).clamp(min=0)
    weights = triangle * (torch.minimum(at + 1, end) - torch.maximum(at, begin)).clamp(0, 1)
    expected = weights / weights.sum(2, keepdim=True)
    bands = resample_bands(start, length, pixels, size, mirrored)
    close(dense(bands, pixels), expected, 1e-5)
    lines = torch.rand(4, pixels, 5, generator=GENERATOR)
    close(resampled(bands, lines), (expected @ lines).transpose(1, 2), 1e-5)


@pytest.mark.parametrize("size", [8, 50, 90, 96, 224])
def test_both_sides_of_an_image_are_blurred(size):
    images, sigma = torch.rand(4, 3, size, size, generator=GENERATOR), torch.tensor([0.0, 0.4, 1.1, 2.0])
    matrix = blur_matrix(sigma, size)[:, None].double()
    close(blurred(images, sigma, 2.0), matrix @ images.double() @ matrix.transpose(2, 3))


@pytest.mark.parametrize("box", [(0, 0, 40, 40), (3, 7, 30, 11), (39, 0, 1, 40), (5, 5, 8, 8), (0, 20, 37, 20)])
@pytest.mark.parametrize("size", [8, 16, 64])
def test_crops_are_resized_as_antialiased_interpolation_does(box, size):
    top, left, height, width = box
    cut = VALUES.permute(0, 3, 1, 2)[:, :, top : top + height, left : left + width].double() / 255
    expected = F.interpolate(cut, (size, size), mode="bilinear", antialias=True)
    shares = torch.tensor([[side / 40 for side in box]] * 12)
    close(cut_out(VALUES, shares, size), expected, 1e-5)
    flipped = cut_out(VALUES, shares, size, torch.ones(12, dtype=torch.bool))
    close(flipped, expected.flip(3), 1e-5)


def test_a_crop_of_a_squashed_image_is_that_of_the_original():
    """Of a smooth image of 90 × 150, squashed to 40 × 40, crops in original coordinates show the same."""
    y, x = torch.meshgrid(torch.linspace(0, 1, 90), torch.linspace(0, 1, 150), indexing="ij")
    original = torch.stack([y, x, (x + y) / 2])[None].double()
    squashed = F.interpolate(original, (40, 40), mode="bilinear", antialias=True)
    values = (255 * squashed).round().to(torch.uint8).permute(0, 2, 3, 1)
    expected = F.interpolate(original[:, :, 20:80, 30:130], (24, 24), mode="bilinear", antialias=True)
    box = torch.tensor([[20 / 90, 30 / 150, 60 / 90, 100 / 150]])
    close(cut_out(values, box, 24), expected, 0.012)


def test_rows_of_resampling_sum_to_one_however_small_the_part():
    start, length = torch.tensor([0.0, 0.99, 0.331, 0.5]), torch.tensor([1.0, 0.01, 0.001, 0.03])
    matrix = dense(resample_bands(start, length, 32, 24), 32)
    close(matrix.sum(2), torch.ones(4, 24))
    assert matrix.min() >= 0


def test_hue_moves_as_in_colorsys():
    turns = torch.linspace(-0.5, 0.5, 12)
    images = IMAGES.clone()
    images[:, :, 0, 0] = 0.3  # gray
    images[:, :, 0, 1] = 0  # black
    images[:, 0, 0, 2] = images[:, 1, 0, 2]  # two channels alike
    found = rotate_hue(images, turns).double()
    for image, y, x in itertools.product(range(12), range(4), range(4)):
        h, s, v = colorsys.rgb_to_hsv(*images[image, :, y, x].double().tolist())
        expected = colorsys.hsv_to_rgb((h + float(turns[image])) % 1, s, v)
        close(found[image, :, y, x], torch.tensor(expected))


def test_blends_are_those_of_color_jitter():
    factor = torch.linspace(0, 2, 12)
    luma = torch.tensor([0.2989, 0.587, 0.114], dtype=torch.float64)
    x, f = IMAGES.double(), factor.double()[:, None, None, None]
    light = torch.einsum("c,nchw->nhw", luma, x)[:, None]
    others = {"brightness": 0 * light, "contrast": light.mean((2, 3), keepdim=True), "saturation": light}
    assert tuple(others) == BLENDS
    for kind, other in enumerate(others.values()):
        expected = (f * x + (1 - f) * other).clamp(0, 1)
        close(blend(IMAGES, factor, torch.full((12,), kind)), expected)
    close(gray(IMAGES), light)


@pytest.mark.parametrize("size", [16, 33])
def test_blur_is_a_gaussian_convolution_mirrored_at_the_edges(size):
    sigma = torch.tensor([0.1, 0.5, 1.3, 2.0])
    x = torch.rand(4, 1, size, generator=GENERATOR, dtype=torch.float64)
    found = (blur_matrix(sigma, size).double() @ x[:, 0, :, None])[:, :, 0]
    offsets = torch.arange(-size + 1, size, dtype=torch.float64)
    for row, s in enumerate(sigma.double()):
        kernel = torch.exp(-(offsets**2) / (2 * s**2))
        padded = F.pad(x[row : row + 1], (size - 1, size - 1), mode="reflect")
        close(found[row], F.conv1d(padded, (kernel / kernel.sum())[None, None])[0, 0])


def test_no_weight_of_a_blur_is_a_denormal_number():
    """A few of them made the products of a batch six times as slow."""
    matrix = blur_matrix(torch.linspace(0, 2, 50), 64)
    assert matrix[matrix > 0].min() > 1e-10


def test_no_blur_is_exact():
    assert torch.equal(blur_matrix(torch.zeros(1), 20)[0], torch.eye(20))


def test_solarize_inverts_light_pixels_of_chosen_images():
    chosen = torch.arange(12) % 2 == 0
    found = solarize(IMAGES, chosen, 0.6)
    assert torch.equal(found[1::2], IMAGES[1::2])
    assert torch.equal(found[::2], torch.where(IMAGES[::2] >= 0.6, 1 - IMAGES[::2], IMAGES[::2]))


def reference(values, p, at, policy):
    """One view of one image in float64, operation after operation as torchvision's classes are written."""
    top, left, tall, wide = ((40 * side).round().int().item() for side in p.box[at])
    x = values[at].permute(2, 0, 1)[None, :, top : top + tall, left : left + wide].double() / 255
    x = F.interpolate(x, (policy.size, policy.size), mode="bilinear", antialias=True)
    x = x.flip(3) if p.flip[at] else x
    luma = torch.tensor([0.2989, 0.587, 0.114], dtype=torch.float64)[:, None, None]

    def blended(x, factors):
        for kind, f in zip(p.kinds[at].tolist(), factors[at].double(), strict=True):
            light = (luma * x).sum(1, keepdim=True)
            x = (f * x + (1 - f) * (0, light.mean(), light)[kind]).clamp(0, 1)
        return x

    x = blended(x, p.before)
    x = blended(rotate_hue(x, p.hue[at : at + 1].double()), p.after)
    x = (luma * x).sum(1, keepdim=True).expand_as(x) if p.gray[at] else x
    if p.sigma[at] > 0:
        matrix = blur_matrix(p.sigma[at : at + 1], policy.size).double()
        x = matrix @ x @ matrix.transpose(1, 2)
    x = torch.where(x >= policy.threshold, 1 - x, x) if p.solarize[at] else x
    mean, std = (torch.tensor(v, dtype=torch.float64)[:, None, None] for v in (policy.mean, policy.std))
    return (x - mean) / std


def test_a_view_lies_in_memory_as_asked():
    policy = Photo(size=16, hue=0.1)
    p = draw(policy, draws(12), EXTENT)
    first, last = (PhotoView(policy, layout)(VALUES, p) for layout in (torch.contiguous_format, torch.channels_last))
    assert torch.equal(first, last)
    assert first.is_contiguous()
    assert last.is_contiguous(memory_format=torch.channels_last)


def test_a_whole_view_is_its_operations_in_order():
    policy = Photo(size=24, solarize=0.5, grayscale=0.5, brightness=0.8, contrast=0.8, saturation=0.8, hue=0.2)
    p = draw(policy, draws(12), EXTENT)
    found = PhotoView(policy)(VALUES, p)
    assert found.shape == (12, 3, 24, 24)
    assert found.is_contiguous()
    assert p.gray.any()
    assert p.solarize.any()
    assert (p.sigma > 0).any()
    for at in range(12):
        expected = reference(VALUES, p, at, policy)[0]
        near_threshold = ((found[at] - expected).abs() > 1e-4).double().mean()
        assert near_threshold < 0.002, at  # a pixel at the threshold may fall on either side


def test_operations_that_are_left_out_change_nothing():
    p = draw(Photo(size=16), draws(12), EXTENT)
    close(PhotoView(Photo(size=16, **PLAIN))(VALUES, p), cut_out(VALUES, p.box, 16, p.flip))


def test_without_hue_the_order_of_blends_is_the_same():
    policy = Photo(size=16, hue=0.0)
    p = draw(policy, draws(12), EXTENT)
    for at in range(12):
        close(PhotoView(policy)(VALUES, p)[at], reference(VALUES, p, at, policy)[0], 1e-4)


# ---------------------------------------------------------------- parameters


def torchvision_box(height, width, scale, ratio, rng):
    """RandomResizedCrop.get_params, as documented."""
    for _ in range(10):
        area = height * width * rng.uniform(*scale)
        aspect = math.exp(rng.uniform(math.log(ratio[0]), math.log(ratio[1])))
        w, h = round(math.sqrt(area * aspect)), round(math.sqrt(area / aspect))
        if 0 < w <= width and 0 < h <= height:
            return rng.randint(0, height - h), rng.randint(0, width - w), h, w
    if width / height < min(ratio):
        w, h = width, round(width / min(ratio))
    elif width / height > max(ratio):
        w, h = round(height * max(ratio)), height
    else:
        w, h = width, height
    return (height - h) // 2, (width - w) // 2, h, w


@pytest.mark.parametrize("extent", [(375, 500), (500, 333), (60, 400), (300, 300)])
@pytest.mark.parametrize("scale", [(0.08, 1.0), (0.05, 0.14)])
def test_boxes_are_distributed_as_torchvisions(extent, scale):
    count = 4000
    policy = Photo(scale=scale)
    p = draw(policy, draws(count), torch.tensor([extent] * count))
    found = (p.box.double() * torch.tensor([*extent, *extent])).round().numpy()
    rng = random.Random(0)
    expected = np.array([torchvision_box(*extent, scale, policy.ratio, rng) for _ in range(count)])
    for column in range(4):
        if len(np.unique(expected[:, column])) > 1:
            assert stats.ks_2samp(found[:, column], expected[:, column]).pvalue > 1e-3
        else:
            assert (found[:, column] == expected[0, column]).all()
    area = [sides[:, 2] * sides[:, 3] for sides in (found, expected)]
    assert stats.ks_2samp(*area).pvalue > 1e-3
    assert np.abs(p.box.double().numpy() * [*extent, *extent] - found).max() < 1e-3  # whole pixels
    assert ((found[:, :2] + found[:, 2:]) <= extent).all()


def test_chances_and_strengths_are_as_asked():
    count = 20_000
    policy = Photo(brightness=0.4, contrast=0.8, saturation=1.5, hue=0.1, grayscale=0.2, blur=0.5, solarize=0.1)
    p = draw(policy, draws(count), torch.tensor([[300, 400]] * count))
    chances = {"flip": 0.5, "gray": 0.2, "solarize": 0.1}
    for name, chance in chances.items():
        assert stats.binomtest(int(getattr(p, name).sum()), count, chance).pvalue > 1e-3
    assert stats.binomtest(int((p.sigma > 0).sum()), count, 0.5).pvalue > 1e-3
    assert stats.kstest(p.sigma[p.sigma > 0].double(), stats.uniform(0.1, 1.9).cdf).pvalue > 1e-3
    jittered = p.hue != 0
    assert stats.binomtest(int(jittered.sum()), count, 0.8).pvalue > 1e-3
    assert stats.kstest(p.hue[jittered].double(), stats.uniform(-0.1, 0.2).cdf).pvalue > 1e-3
    factors = (p.before * p.after)[jittered]
    for kind, (low, high) in enumerate([(0.6, 1.4), (0.2, 1.8), (0.0, 2.5)]):
        own = factors[p.kinds[jittered] == kind].double()
        assert len(own) == jittered.sum()
        assert stats.kstest(own, stats.uniform(low, high - low).cdf).pvalue > 1e-3
    assert ((p.before * p.after)[~jittered] == 1).all()


def test_all_orders_of_the_jitter_are_as_likely():
    count = 24_000
    p = draw(Photo(jitter=1.0), draws(count), torch.tensor([[300, 400]] * count))
    ahead = (p.before != 1).sum(1)
    orders = torch.cat([p.kinds, ahead[:, None]], dim=1)
    _, counts = orders.unique(dim=0, return_counts=True)
    assert len(counts) == 24
    assert stats.chisquare(counts).pvalue > 1e-3
    stays = (p.before != 1).int()
    assert (stays == stays.sort(dim=1, descending=True).values).all()  # the change of hue has one place


def test_parameters_are_independent():
    p = draw(Photo(), draws(20_000), torch.tensor([[300, 400]] * 20_000))
    columns = [p.box[:, 0], p.box[:, 1], p.box[:, 2], p.flip, p.hue, p.gray, p.sigma, (p.before * p.after)[:, 0]]
    correlation = torch.corrcoef(torch.stack([column.double() for column in columns]))
    off = correlation - torch.eye(len(columns))
    off[:3, :3] = 0  # the place of a box depends on its size
    assert off.abs().max() < 0.03


def test_a_view_depends_on_sample_epoch_and_seed_alone():
    policy = Photo(size=16, solarize=0.2)
    together = augment(Pixels(VALUES, EXTENT), policy, draws(12))
    alone = augment(Pixels(VALUES[5:7], EXTENT[5:7]), policy, draws(2, start=5))
    close(alone, together[5:7], 1e-5)
    assert not torch.allclose(augment(Pixels(VALUES, EXTENT), policy, draws(12, view=1)), together)


def test_evaluation_sees_the_middle():
    policy = Photo(size=36, mean=(0, 0, 0), std=(1, 1, 1))
    expected = VALUES.permute(0, 3, 1, 2)[:, :, 2:38, 2:38].double() / 255
    close(clean_view(Pixels(VALUES, EXTENT), policy, share=0.9), expected, 1e-5)
    squashed = clean_view(
        Pixels(VALUES, torch.tensor([[40, 80]] * 12)), Photo(size=20, mean=(0, 0, 0), std=(1, 1, 1)), 1
    )
    expected = F.interpolate(
        VALUES.permute(0, 3, 1, 2)[:, :, :, 10:30].double() / 255, (20, 20), mode="bilinear", antialias=True
    )
    close(squashed, expected, 1e-5)


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")  # of torch's compiler itself
@pytest.mark.skipif(os.environ.get("LOSSLANG_TESTS") != "full", reason="compiles two views: half a minute of one core")
@pytest.mark.timeout(600)
@pytest.mark.parametrize("options", [{"jitter": 0, "grayscale": 0}, {"hue": 0.3, "solarize": 0.3}])
def test_compiled_code_gives_the_same_view(options):
    """At a size whose last block is not full, with colours before the blur and without."""
    policy = Photo(size=100, **options)
    view, parameters = PhotoView(policy), draw(policy, draws(12), EXTENT)
    torch._dynamo.reset()
    with torch.no_grad():
        close(torch.compile(view, dynamic=False)(VALUES, parameters), view(VALUES, parameters), 2e-5)


def test_one_graph_for_all_batches():
    """No graph break and no second compilation, whatever the draws."""
    policy = Photo(size=16, solarize=0.2)
    torch._dynamo.reset()
    view = torch.compile(PhotoView(policy), fullgraph=True, backend="eager")
    first = draw(policy, draws(12), EXTENT)
    close(view(VALUES, first), PhotoView(policy)(VALUES, first), 1e-5)
    with torch._dynamo.config.patch(error_on_recompile=True):
        for view_number in range(3):
            view(VALUES, draw(policy, draws(12, view_number), EXTENT))


def test_policies_of_nonsense_are_refused():
    for options in ({"scale": (0.5, 0.2)}, {"scale": (0.5, 1.2)}, {"sigma": (0, 1)}, {"hue": 0.6}, {"blurr": 1}):
        with pytest.raises(ValueError, match=r"needed|less than|Extra"):
            Photo(**options)
    assert isinstance(draw(Photo(), draws(2), EXTENT[:2]), Parameters)

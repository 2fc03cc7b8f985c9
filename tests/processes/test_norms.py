"""Batch norm of all processes: the values of torch's on one, to the last bit where torch sums in float64, and its gradients."""

import numpy as np
import pytest
import torch

from tests.processes import trials

PLACES = {
    "even": [range(6), range(6, 12)],
    "uneven": [[0, 3, 4, 5, 7, 8, 9, 10, 11], [1, 2, 6]],
    "empty": [[], range(12)],
}


def of_one_and_two(pool, x, target, split, **options):
    """What one process gives, and what two give of their rows, side by side in the order of the batch."""
    one = trials.normalized(x, target, torch.arange(len(x)), options)
    places = [torch.tensor(list(rows), dtype=torch.int64) for rows in PLACES[split]]
    two = pool(2).run("normalized", *[(x, target, own, options) for own in places])
    order = torch.cat(places).argsort().numpy()
    values, gradients = (np.concatenate([each[at] for each in two])[order] for at in (0, 1))
    return one, (values, gradients), two


def images(dtype, layout=torch.contiguous_format):
    """Of channels with a mean that is larger than their deviation, and a gradient."""
    random = torch.Generator().manual_seed(5)
    x, target = torch.randn(2, 12, 7, 5, 4, generator=random, dtype=torch.float64)
    return (0.7 * x + 3).to(dtype).contiguous(memory_format=layout), target.to(dtype)


@pytest.mark.parametrize("split", PLACES)
@pytest.mark.parametrize(
    "options", [{}, {"affine": False}, {"momentum": None}, {"track_running_stats": False}], ids=str
)
def test_values_gradients_and_statistics_are_those_of_one_process(pool, split, options):
    one, (values, gradients), two = of_one_and_two(pool, *images(torch.float64), split, **options)
    np.testing.assert_allclose(values, one[0], atol=1e-12)
    np.testing.assert_allclose(gradients, one[1], atol=1e-12)
    for each in two:
        for at in (2, 3):
            assert each[at].keys() == one[at].keys()
            for name, value in one[at].items():
                np.testing.assert_allclose(each[at][name], value, atol=1e-12, err_msg=name)


@pytest.mark.parametrize("split", PLACES)
def test_images_in_float32_come_to_the_same_bits(pool, split):
    one, (values, gradients), _ = of_one_and_two(pool, *images(torch.float32), split)
    assert np.array_equal(values, one[0])
    np.testing.assert_allclose(gradients, one[1], atol=2e-6)


@pytest.mark.parametrize(
    ("dtype", "layout", "near"),
    [(torch.float32, torch.channels_last, 1e-5), (torch.bfloat16, torch.contiguous_format, 3e-2)],
)
def test_other_layouts_and_numbers(pool, dtype, layout, near):
    """As near as torch's own sums, which are in float32 here, and as bfloat16."""
    one, (values, gradients), _ = of_one_and_two(pool, *images(dtype, layout), "uneven")
    np.testing.assert_allclose(values, one[0], atol=near)
    np.testing.assert_allclose(gradients, one[1], atol=near)


def test_two_exchanges_there_and_one_back(pool):
    _, _, two = of_one_and_two(pool, *images(torch.float64), "uneven")
    assert [each[4] for each in two] == [3, 3]

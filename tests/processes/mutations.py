"""Mistakes that codes make on many processes, each put into an emitted module: tests of the tests."""

import torch
from torch import distributed as dist

__all__ = ["MUTATIONS", "apply"]


def _no_sum(module):
    """Every process keeps the statistics of its own rows."""
    module.Share.sum = lambda _share, *parts: parts


def _sum_without_gradient(module):
    """`all_reduce` in place: the value is right, and the gradient flows through own rows alone."""
    module.SumOfAll.backward = staticmethod(lambda _ctx, *gradients: gradients)


def _gather_without_gradient(module):
    """The others' rows are constants."""
    gather, rows = module.Share.gather, module.Share.rows_of_all
    module.Share.gather = lambda share, x, dim: gather(share, x.detach(), dim)
    module.Share.rows_of_all = lambda share, x: rows(share, x.detach())


def _gather_with_own_gradient(module):
    """Own rows are put back in place with their gradient, which the others do not send."""

    def backward(ctx, gradient):
        return gradient.split(list(ctx.counts))[dist.get_rank()], None

    module.RowsOfAll.backward = staticmethod(backward)


def _mean_of_means(module):
    """Every process counts as much as any other, however many rows it holds."""
    summed = module.Share.sum

    def weighted(share, *parts):
        factor = share.rows / (len(share.counts) * share.counts[dist.get_rank()])
        return summed(share, *(part * factor for part in parts))

    module.Share.sum = weighted


def _own_columns(module):
    """Row i of a process meets column i of the batch."""

    def same(share):
        rows = len(share.places)
        return torch.eye(rows, share.rows, dtype=torch.bool)

    module.Share.same = same
    module.Share.columns = module.Share.rows_of_all


def _statistics_without_gradient(module):
    """A function of statistics of all rows whose gradient no other process hears of."""
    summed = module.summed
    for name in {"SquaresOfAll", "CrossSquaresOfAll", "LogDetOfAll"} & set(vars(module)):
        function = getattr(module, name)

        def alone(ctx, grad, backward=function.backward):
            module.summed = lambda part: part
            try:
                return backward(ctx, grad)
            finally:
                module.summed = summed

        function.backward = staticmethod(alone)


MUTATIONS = {
    "no_sum": _no_sum,
    "sum_without_gradient": _sum_without_gradient,
    "gather_without_gradient": _gather_without_gradient,
    "gather_with_own_gradient": _gather_with_own_gradient,
    "mean_of_means": _mean_of_means,
    "own_columns": _own_columns,
    "statistics_without_gradient": _statistics_without_gradient,
    "local_norm": lambda _module: None,
}


def apply(name, module):
    """Put a mistake into an emitted module; "" for none."""
    if name:
        MUTATIONS[name](module)

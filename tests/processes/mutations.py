"""Mistakes that codes make on many processes, each put into an emitted module: tests of the tests."""

import torch
from torch import distributed as dist

__all__ = ["MUTATIONS", "apply"]


def _without(kind):
    """Nothing of one kind is sent: every process goes on with what it has itself."""

    def mutate(module):
        own, begin = OWN[kind], module.BEGUN[kind]

        def alone(parts, counts):
            return begin(parts, counts) if parts[0].dtype == torch.int64 else lambda: [own(x, counts) for x in parts]

        module.BEGUN[kind] = alone

    return mutate


def _own_rows(gradient, counts):
    return gradient.split(list(counts))[dist.get_rank()]


def _rows_and_nothing(rows, counts):
    parts = [rows.new_zeros(count, *rows.shape[1:]) for count in counts]
    parts[dist.get_rank()] = rows
    return torch.cat(parts)


def _each_alone(x, _counts):
    found = x.new_full((dist.get_world_size(), *x.shape), -torch.inf)
    found[dist.get_rank()] = x
    return found


OWN = {
    "sum": lambda x, _counts: x,
    "largest": lambda x, _counts: x,
    "rows": _rows_and_nothing,
    "own_rows": _own_rows,
    "each": _each_alone,
    "own": lambda x, _counts: x[dist.get_rank()],
}
"""What a process has of the result of every collective without the others."""


def _without_products(module):
    """Products of own rows are taken for those of all."""
    module.begun_in_place = lambda partial: lambda: partial


def _sum_without_gradient(module):
    """`all_reduce` in place: the value is right, and the gradient flows through own rows alone."""
    _alone(module, "sum", lambda _exchange, gradient: gradient)


def _gather_without_gradient(module):
    """The others' rows are constants."""
    for name in ("Rows", "Columns"):
        part = getattr(module, name)
        part.sent = lambda self, sent=part.sent: sent(self).detach()


def _gather_with_own_gradient(module):
    """Own rows are put back in place with their gradient, which the others do not send."""
    _alone(module, "rows", lambda exchange, gradient: gradient.split(list(exchange.counts))[dist.get_rank()])


def _alone(module, kind, own):
    """Gradients that come back without the others having sent any."""
    send = module.Exchange.begin
    times = module.Exchange.times

    def begin(exchange, kinds, values):
        if exchange.known is not None and module.BACK[kind] in kinds and values and kinds is not exchange.kinds:
            mine = {place for place in values if exchange.kinds[place] == kind}
            exchange.known |= {place: own(exchange, values[place]) for place in mine}
            values = {place: value for place, value in values.items() if place not in mine}
        send(exchange, kinds, values)

    def alone(exchange, gradient, of):
        return own(exchange, gradient) if of == kind else times(exchange, gradient, of)

    module.Exchange.begin, module.Exchange.times = begin, alone


def _mean_of_means(module):
    """Every process counts as much as any other, however many rows it holds."""
    begin = module.Share.begin

    def weighted(share, *parts):
        factor = share.rows / (len(share.counts) * share.counts[dist.get_rank()])
        parts = (part._replace(x=part.x * factor) if isinstance(part, module.Sum) else part for part in parts)
        return begin(share, *parts)

    module.Share.begin = weighted


def _own_columns(module):
    """Row i of a process meets column i of the batch."""

    def same(share):
        rows = len(share.places)
        return torch.eye(rows, share.rows, dtype=torch.bool)

    module.Share.same = same
    module.Columns.come = lambda self, value, _share: value.movedim(0, self.dim)


def _statistics_without_gradient(module):
    """A function of statistics of all rows whose gradient no other process hears of."""
    module.heard = lambda grad, alike: lambda: grad
    for name in {"SquaresBySums", "SquaresByRows", "CrossSquaresBySums", "CrossSquaresByRows"} & set(vars(module)):
        function = getattr(module, name)
        back = function.backward
        function.backward = staticmethod(lambda ctx, grad, back=back: back(ctx, grad / dist.get_world_size()))


MUTATIONS = {
    **{f"without_{kind}": _without(kind) for kind in OWN},
    "without_products": _without_products,
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

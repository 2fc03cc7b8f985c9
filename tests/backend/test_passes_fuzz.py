"""Random losses of the kind that passes rewrite: value and gradient are those of the program without passes.

`LOSSLANG_LOSSES=5000 python -m pytest tests/backend/test_passes_fuzz.py` tries more of them.
"""

import os
import re

import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from losslang.algebra.optimise import NAMES
from losslang.backend.compile import compile_loss
from losslang.diagnostics import Source, SpecError
from losslang.pipeline import load

HEAD = """\
method test
view a, b
parameter temp = 0.4
parameter falling = cosine(0.5, 1)
network encoder = backbone
network projector = linear({size})
network target = ema(chain(encoder, projector), momentum=0.9)
z = projector(encoder(x))
t = target(x)
w = normalize(z, eps=0.3)
s = standardize(z)
minimize
"""

GRAMMAR = {
    "scalar": [
        "0.3", "2", "(-0.7)", "temp", "falling", "(1 + mean(z^2))", "size(z, batch)", "(1 / size(z, feature))",
        "stopgrad(mean(norm(z, over=feature)))",
    ],
    "leaf": ["z[a]", "z[b]", "t[a]", "w[a]", "w[b]", "s[b]", "mean(z, over=view)"],
    "turned": [
        "normalize({leaf})", "centered({leaf})", "standardize({leaf})", "stopgrad({leaf})", "({scalar} * {leaf})",
        "({leaf} / {scalar})", "roll({leaf})", "({leaf} - {leaf})", "tanh({leaf})", "normalize({leaf}, over=batch)",
        "standardize({leaf}, ddof=1, eps=0.1)", "first({leaf}, 2)", "normalize(stopgrad({leaf}))",
    ],
    "rows": ["{leaf}", "{leaf}", "{turned}"],
    "whole": ["z", "w", "s", "t", "stopgrad(z)", "({scalar} * z)", "normalize(z)", "centered(z)"],
    "between": ["dot({rows}, {rows}, pairs=batch)", "similarity({rows}, {rows})", "similarity({rows}, {rows})"],
    "among": [
        "gram({rows})", "second_moment({rows})", "cov({rows}, ddof=1)", "cross_moment({rows}, {rows})",
        "cross_cov({rows}, {rows}, ddof=1)",
    ],
    "all": ["dot({whole}, {whole}, pairs=[view, batch])", "similarity({whole}, {whole}, pairs=[view, batch])"],
    "sides": ["{between}", "{between} / {scalar}", "({scalar} - {between})", "{scalar} * {between}"],
    "moments": ["{among}", "({among} * {scalar})", "(-{among})", "({among} + {scalar})", "({among} + {scalar} * same(feature))"],
    "other": ["", ", where=not same(batch)", ", where=same(batch)"],
    "mask": [
        "", ", where=not (same(view) and same(batch))", ", where=not same(batch)",
        ", where=same(batch) and not same(view)", ", where=same(view) or not same(batch)",
    ],
    "pair": ["", " if u != v", " if u < v"],
    "term": [
        "mean(logsumexp({sides}, over=batch') - diag({sides}, axis=batch))",
        "mean(logsumexp({between} / {scalar}, over=batch'{other}))",
        "mean(info_nce({whole}[u], {whole}[v], {scalar}) for u in views for v in views{pair})",
        "info_nce({rows}, {rows}, {scalar})",
        "nt_xent({whole}, {scalar})",
        "mean(logsumexp({all} / {scalar}, over=[view', batch']{mask}))",
        "mean({all} / {scalar}{mask})",
        "norm({sides}^2)",
        "sum({moments}^2)",
        "mean({sides}^2{other})",
        "mean(offdiag({moments})^2)",
        "sum(diag({moments})^2)",
        "sum((diag({among}) - 1)^2) + {scalar} * sum(offdiag({among})^2)",
        "logdet(same(feature) + 0.3 * second_moment({rows}))",
        "trace(matrix_log(same(feature) + 0.1 * second_moment({rows}), order=3), axis=feature)",
        "sum(alignment({whole}[u], {whole}[v]) for u in views for v in views{pair})",
        "mean(cross_entropy(softmax({rows} / {scalar}), log_softmax({rows} * {scalar}), over=feature))",
        "mean(cross_entropy(softmax({whole})[u], log_softmax({whole})[v], over=feature) for u in views for v in views{pair})",
        "mean(dot(argmax({between}, over=batch), {rows}, over=batch) * {rows})",
        "sum(mean(cos({rows} * linspace(0, 3, 5)), over=batch)^2)",
        "mean(mean(sin(linspace(-1, 2, 4) * {rows}), over=batch))",
        "uniformity({rows})", "coding_rate({rows})", "variance_hinge({rows})", "center_penalty({rows})",
        "log(mean(exp({between}){other}))",
        "mean(norm({rows}, over=feature))",
    ],
}  # fmt: skip
"""What a symbol may be; symbols stand in braces."""


ZEROS, ZEROS_OF_ONE = r"\((\S+) - \1\)", r"\bs\b|centered|standardize"
"""Rows of zeros, always and where there is one row: a unit row has the slope 1e12 there, which shows what rounding leaves."""


@st.composite
def terms(draw):
    """A term of the grammar."""

    def written(symbol):
        found = draw(st.sampled_from(GRAMMAR[symbol]))
        return re.sub(r"\{(\w+)\}", lambda part: written(part[1]), found)

    return written("term")


def _acted(spec, inputs, without):
    """The total, and its gradient to z; NaN where a matrix has no Cholesky factor."""
    torch.manual_seed(0)
    loss = compile_loss(spec, steps=100, steps_per_epoch=10, without=without).double()
    given_ = {name: x.clone().requires_grad_(name == "z") for name, x in inputs.items() if name in loss.inputs}
    try:
        total = loss(**given_).total
    except torch.linalg.LinAlgError:
        return torch.tensor(torch.nan, dtype=torch.float64), torch.zeros(())
    if "z" not in given_ or not total.requires_grad:
        return total.detach(), torch.zeros(())
    return total.detach(), torch.autograd.grad(total, given_["z"])[0]


@settings(
    max_examples=int(os.environ.get("LOSSLANG_LOSSES", "60")),
    suppress_health_check=[HealthCheck.too_slow],
    deadline=None,
)
@given(
    terms(),
    st.lists(terms(), max_size=1),
    st.sampled_from([1, 2, 3, 5, 9]),
    st.sampled_from([2, 3, 5, 7]),
    st.integers(0, 99),
)
def test_passes_move_neither_value_nor_gradient(first, more, rows, size, seed):
    body = "".join(f"  t{at}: {text}\n" for at, text in enumerate([first, *more]))
    try:
        spec = load(Source("test.loss", HEAD.format(size=size) + body), input_sizes={"z": size, "t": size})
    except SpecError:
        return  # a value per row where a number is needed, or a term that has no gradient
    random = torch.Generator().manual_seed(seed)
    inputs = {name: torch.randn(2, rows, size, generator=random, dtype=torch.float64) for name in ("z", "t")}
    (one, slope), (other, plain) = (_acted(spec, inputs, without) for without in ((), NAMES))
    assert torch.allclose(one, other, rtol=1e-9, atol=1e-9, equal_nan=True)
    if other.isfinite():
        rounding = 0.1 if re.search(ZEROS if rows > 1 else f"{ZEROS}|{ZEROS_OF_ONE}", body) else 1e-8
        size = plain.nan_to_num().abs().max().clamp(min=1)
        assert torch.allclose(slope, plain, rtol=1e-8, atol=rounding * float(size), equal_nan=True)

"""Differences of methods that ship, as the terminal shows them: each reviewed for truth against the papers' facts."""

from dataclasses import replace
from pathlib import Path

import pytest

import losslang
from losslang.questions import canonical_hash, diff, diff_many
from losslang.shipped import shipped_specs

GOLDEN = Path(__file__).parent / "golden"
WIDTH = 100

ACROSS = [
    ("simsiam", "byol"),
    ("vicreg", "barlow"),
    ("simdino", "dino"),
    ("byol", "mocov3"),
    ("simclr", "mocov2"),
    ("dino", "swav"),
]
"""Methods of different papers."""

BASES = {
    name: text.split("extends:", 1)[1].split()[0]
    for name, path in shipped_specs().items()
    if "\nextends:" in (text := path.read_text(encoding="utf-8"))
}
"""Variants and ablations, and the method that each extends."""

PAIRS = [*ACROSS, *((base, name) for name, base in sorted(BASES.items()))]

TOGETHER = [
    ("simsiam", "byol", "byol_no_ema", "simsiam_no_predictor"),
    ("vicreg", "vicreg_solo", "vibcreg", "barlow"),
    ("simclr", "simclr_tf", "simclr_solo"),
]


def check(name, text, bless):
    path = GOLDEN / f"{name}.txt"
    if bless:
        GOLDEN.mkdir(exist_ok=True)
        path.write_text(text + "\n", encoding="utf-8")
    assert path.read_text(encoding="utf-8") == text + "\n", f"run with --bless and read the difference: {path}"


@pytest.mark.parametrize(("left", "right"), PAIRS)
def test_two_methods(left, right, bless):
    found = diff(left, right)
    assert bool(found) == (canonical_hash(losslang.load(left)) != canonical_hash(losslang.load(right)))
    mathematics = replace(found, rows=tuple(row for row in found.rows if row.kind != "recipe"))
    check(f"{left}-{right}", mathematics.text(width=WIDTH), bless)


@pytest.mark.parametrize("names", TOGETHER, ids="-".join)
@pytest.mark.parametrize("width", [80, 140])
def test_many_methods(names, width, bless):
    shown = diff_many(names).text(width=width)
    assert max(map(len, shown.splitlines())) <= width
    check(f"{'-'.join(names)}-{width}", shown, bless)


@pytest.mark.parametrize("width", [60, 80, 120, 160])
def test_a_difference_fits_the_terminal(width):
    for left, right in ACROSS[:3]:
        assert max(map(len, diff(left, right).text(width=width).splitlines())) <= width


def test_no_golden_answer_is_left_over():
    names = {f"{left}-{right}" for left, right in PAIRS}
    names |= {f"{'-'.join(many)}-{width}" for many in TOGETHER for width in (80, 140)}
    assert {path.stem for path in GOLDEN.glob("*.txt")} == names


def test_many_methods_as_a_value():
    found = diff_many(["simsiam", losslang.load("simsiam"), "byol"])
    assert found.classes == ("A", "A", "B")
    assert found
    assert not diff_many(["simsiam", "simsiam", "simsiam"])
    assert "<table>" in found._repr_html_()
    assert found.sentence == "2 different mathematics; the same: simsiam = simsiam."

"""Flow charts: the right arrows, and a drawing in which nothing lies over anything."""

import itertools
from xml.etree import ElementTree as ET

import pytest

from losslang.analysis.explain.charts.chart import chart
from losslang.analysis.explain.charts.layout import HEIGHT, arrange
from losslang.analysis.explain.charts.text import chart_text
from tests.analysis.explain.methods import NAMES, shipped

BYOL = """\
flowchart LR
  n0["predictor<br><small>4096 → 256</small>"]
  n1["projector<br><small>4096 → 256</small>"]
  n2["encoder<br><small>backbone</small>"]
  n3(["a, b<br><small>views</small>"])
  n4[["target<br><small>moving average</small>"]]
  n5{{"align"}}
  n3 --> n2
  n2 --> n1
  n1 -->|"z"| n0
  n0 -->|"p"| n5
  n3 --> n4
  n4 -.->|"t"| n5
  n2 ==>|"EMA"| n4
  n1 ==>|"EMA"| n4
"""


def arrows(name):
    return {(link.source.split()[-1], link.target.split()[-1], link.kind) for link in chart(shipped(name).spec).links}


def test_mermaid():
    assert chart_text(shipped("byol"), "mermaid") == BYOL


def test_stop_gradients_are_dashed():
    assert {("projector", "align", "stopped"), ("predictor", "align", "flow")} < arrows("simsiam")
    assert ("projector", "align", "flow") in arrows("simsiam_no_stopgrad")
    assert {("predictor", "align", "stopped"), ("projector", "align", "flow")} < arrows("simsiam_mirror")


def test_state_stands_between():
    assert {("target", "center", "stopped"), ("center", "distill", "stopped")} < arrows("dino")
    assert {("projector", "c", "flow"), ("c", "redundancy", "flow")} < arrows("tico")
    assert {("projector", "earlier", "stopped"), ("earlier", "codebook", "stopped")} < arrows("swav")


def test_views_enter_where_they_are_taken():
    assert {("a", "encoder", "flow"), ("b", "target", "flow")} < arrows("tico")


@pytest.mark.parametrize("name", NAMES)
def test_no_box_lies_over_another_and_every_arrow_goes_on(name):
    found = chart(shipped(name).spec)
    widths = {box.key: 40 + 8.0 * len(box.title) for box in found.boxes}
    layout = arrange(found, widths)
    for one, two in itertools.combinations(found.boxes, 2):
        (x1, y1), (x2, y2) = layout.centers[one.key], layout.centers[two.key]
        apart = abs(x1 - x2) >= (widths[one.key] + widths[two.key]) / 2 or abs(y1 - y2) >= HEIGHT
        assert apart, (one.key, two.key)
    for link in found.links:
        if link.kind != "follows":
            assert layout.centers[link.source][0] < layout.centers[link.target][0]
    for bend in itertools.chain(*layout.bends.values()):
        for box in found.boxes:
            (x, y), (bx, by) = layout.centers[bend], layout.centers[box.key]
            assert x != bx or abs(y - by) > HEIGHT / 2, (bend, box.key)


@pytest.mark.parametrize("name", NAMES)
def test_svg_is_well_formed(name):
    root = ET.fromstring(chart_text(shipped(name), "svg"))
    width, height = float(root.get("width")), float(root.get("height"))
    for box in root.iter("{http://www.w3.org/2000/svg}rect"):
        assert float(box.get("x")) + float(box.get("width")) < width
        assert float(box.get("y")) + float(box.get("height")) < height

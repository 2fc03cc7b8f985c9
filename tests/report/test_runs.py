"""Run folders as data, groups that differ in the seed alone, and what they are called."""

import pytest

from losslang.report.curves import SECTIONS, chosen_curves, curve_sections, metric_names
from losslang.report.found import find_runs
from losslang.report.plots import COLORS, rounded, styles, thinned
from losslang.report.runs import RunData, group_runs
from tests.report.conftest import synthetic


def run(method="m", data="blobs", seed=0, records=(), result=None, **choices):
    values = {"data": data, "seed": seed, **choices}
    rows = {path: {"value": value, "set by": "default"} for path, value in values.items()}
    settings = {"method": method, "hash": method, "steps": 10, "parameters": {}, "settings": rows}
    return RunData(f"runs/{method}-{seed}", settings, {}, records, result)


def test_groups_differ_in_the_seed_alone(runs):
    groups = group_runs(find_runs([runs]).runs)
    assert [(group.label, [r.seed for r in group.runs]) for group in groups] == [
        ("barlow", [0, 1]),
        ("simsiam", [0, 1]),
        ("simsiam_no_stopgrad", [0, 1]),
    ]


@pytest.mark.parametrize(
    ("runs_", "labels"),
    [
        ([run("a"), run("a", seed=1), run("b")], ["a", "b"]),
        ([run("a"), run("a", data="moons")], ["a on blobs", "a on moons"]),
        ([run("a", lr=1), run("a", lr=2), run("b")], ["a lr=1", "a lr=2", "b"]),
        ([run("a", threads=1), run("a", threads=2)], ["a"]),
        ([run("a", lr=1), run("a", lr=2, new=True)], ["a lr=1", "a lr=2"]),
    ],
)
def test_labels_say_what_differs(runs_, labels):
    assert [group.label for group in group_runs(runs_)] == labels


def test_numbers_of_the_result_end_the_curves():
    done = run(records=[{"step": 0, "knn": 0.5, "terms": {"t": 1.0}}], result={"steps": 10, "knn": 0.9, "seconds": 3.0})
    assert done.rows == {0: {"knn": 0.5, "terms/t": 1.0}, 10: {"knn": 0.9}}


def test_bands_are_means_and_deviations_where_all_seeds_are():
    records = [[{"step": s, "total": float(s + seed)} for s in (0, 10, 20)[: 3 - seed]] for seed in (0, 1)]
    (group,) = group_runs([run(seed=seed, records=records[seed]) for seed in (0, 1)])
    ((_, (plot,)),) = curve_sections([group])
    band = plot.traces[-1]
    assert (list(band.x), list(band.y)) == ([0, 10], [0.5, 10.5])
    assert [high - y for high, y in zip(band.high, band.y, strict=True)] == pytest.approx([0.5**0.5] * 2)
    assert "m 10.5 ± 0.707" in plot.text


def test_every_number_has_one_section(tmp_path):
    groups = group_runs([synthetic(tmp_path, "a", 0, 5)])
    placed = [plot.name for _, plots in curve_sections(groups) for plot in plots]
    assert sorted(placed) == sorted(metric_names(groups))
    assert SECTIONS[-1].prefixes == ("",)


def test_a_method_has_one_colour_and_a_data_set_one_dash():
    pairs = [(method, data) for method in "ab" for data in ("blobs", "moons")]
    groups = group_runs([run(method, data) for method, data in pairs])
    looks = {(g.first.method, g.first.data): (g.style % len(COLORS), g.style // len(COLORS)) for g in groups}
    assert looks == {("a", "blobs"): (0, 0), ("a", "moons"): (0, 1), ("b", "blobs"): (1, 0), ("b", "moons"): (1, 1)}


def test_styles_differ_also_where_colours_run_out():
    assert styles([]) == []
    for methods, data in ((9, 1), (1, 5), (9, 5), (8, 4)):
        pairs = [(str(method), str(of)) for method in range(methods) for of in range(data)]
        assert len(set(styles(pairs))) == len(pairs)
    assert styles([("a", "x"), ("a", "x")]) == [0, 1]


def test_what_an_experiment_plots_is_drawn_for_each_data_set():
    records = [{"step": 0, "knn": 0.5, "total": 1.0}, {"step": 1, "knn": 0.75, "total": 1.0}]
    groups = group_runs([run(method, data, records=records) for method in "ab" for data in ("blobs", "moons")])
    plots = chosen_curves(["knn", "lidar"], groups)
    assert [plot.title for plot in plots] == ["kNN on blobs", "kNN on moons"]
    assert [[trace.name for trace in plot.traces] for plot in plots] == [
        ["a on blobs", "b on blobs"],
        ["a on moons", "b on moons"],
    ]
    assert len({plot.name for plot in plots}) == 2
    assert chosen_curves(["knn"], groups[:1]) == []


def test_thinning_keeps_both_ends():
    assert thinned(5, 10) == [0, 1, 2, 3, 4]
    kept = thinned(2000, 300)
    assert (kept[0], kept[-1], len(kept)) == (0, 1999, 300)


def test_numbers_are_short():
    assert rounded([0.123456789, 2.0, 1e-12, 123456.0]) == [0.12346, 2, 1e-12, 123460]

"""`diff`: what differs, what does not, and what it means."""

import json

import pytest

from losslang.analysis.difference.relation import NUMBERS, Readings, Relation, relate_readings
from losslang.cli import main
from losslang.diagnostics import Source
from losslang.pipeline import load
from losslang.questions import diff
from losslang.shipped import shipped_specs
from tests.methods import HEAD, method

SPECS = shipped_specs()


def stability(found):
    return {row.role for row in found.changed if row.kind == "stability"}


@pytest.mark.parametrize("name", SPECS)
def test_nothing_differs_from_itself(name):
    assert diff(SPECS[name], SPECS[name]).changed == ()


@pytest.mark.parametrize(
    ("left", "right", "mechanisms"),
    [
        ("simsiam", "byol", {"target"}),
        ("byol", "byol_no_ema", {"target"}),
        ("simsiam", "simsiam_no_predictor", {"predictor"}),
        ("simsiam", "simsiam_no_stopgrad", {"target"}),
        ("simsiam", "simsiam_mirror", {"target"}),
        ("swav", "swav_fixed", {"fixed prototypes"}),
        ("empssl", "empssl_lightly", {"expand"}),
        ("simdino", "dino", {"log-det", "centering", "sharpening"}),
        ("vicreg", "barlow", {"variance", "standardisation"}),
        ("simclr", "simclr_tf", set()),
        ("vicreg", "vicreg_solo", set()),
    ],
)
def test_the_stability_mechanism_is_called_out(left, right, mechanisms):
    assert stability(diff(SPECS[left], SPECS[right])) == mechanisms


@pytest.mark.parametrize(
    ("left", "right", "term", "note"),
    [
        ("simsiam", "byol", "align", "scale x4, offset +4"),
        ("simclr", "simclr_tf", "contrast", "scale x2"),
        ("vicreg", "vicreg_solo", "variance", "scale x2"),
        ("barlow", "barlow_solo", "redundancy", "scale x0.1"),
        ("tico", "tico_lightly", "align", "offset +1"),
        ("simsiam", "simsiam_no_stopgrad", "align", "gradients differ"),
        ("simsiam", "simsiam_mirror", "align", "gradients differ"),
        ("mocov3", "mocov3_spt", "contrast", "scale x0.25"),
        ("lejepa_lightly", "lejepa_spt", "invariance", "scale x1.05263"),
    ],
)
def test_scales_and_offsets_are_named(left, right, term, note):
    rows = {row.role: row for row in diff(SPECS[left], SPECS[right]).changed}
    assert note in rows[term].note


SAME = [
    ("alignment(z[a], z[b])", "-mean(dot(normalize(z[a]), normalize(z[b])))"),
    ("2 + 2 * alignment(z[a], z[b])", "squared_distance(normalize(z[a]), normalize(z[b]))"),
    ("variance_hinge(z[a])", "mean(relu(1 - std(z[a], over=batch, ddof=1, eps=1e-4)))"),
    ("norm(gram(z[a]))^2", "norm(dot(z[a], z[a], pairs=batch))^2"),
    ("coding_rate(z[a])", "0.5 * logdet(same(batch) + 12 / size(z, batch) * dot(z[a], z[a], pairs=batch))"),
    ("mean(mean(z[v]^2) for v in views)", "mean(z^2)"),
    ("uniformity(z[a], t=1)", "log(mean(exp(2 * similarity(z[a], z[a])), where=not same(batch))) - 2"),
]


@pytest.mark.parametrize(("one", "two"), SAME)
def test_two_spellings_of_one_mathematics(one, two):
    left, right = (method(f"minimize\n  term: {text}\n") for text in (one, two))
    assert diff(left, right).answer == "same mathematics"


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("mean(z[a]^2)", "sum(z[a]^2)"),
        ("variance_hinge(z[a])", "mean(relu(1 - std(z[a], over=batch, ddof=0, eps=1e-4)))"),
        ("coding_rate(z[a])", "coding_rate(centered(z[a]))"),
        ("alignment(z[a], z[b])", "alignment(z[a], stopgrad(z[b]))"),
    ],
)
def test_what_is_not_the_same_mathematics(one, two):
    left, right = (method(f"minimize\n  term: {text}\n") for text in (one, two))
    assert diff(left, right).answer == "different mathematics"


def test_a_renamed_term_is_a_rename():
    found = diff(method("minimize\n  one: mean(z^2)\n"), method("minimize\n  two: mean(z^2)\n"))
    assert found.answer == "same mathematics"
    assert [row.note for row in found.changed] == ["renamed to two"]


def test_comments_order_and_layout_do_not_matter():
    text = f"method test\n{HEAD.format(size=6)}\nminimize\n  one: mean(z^2)\n  two: alignment(z[a], z[b])\n"
    other = text.replace("  one: mean(z^2)\n", "").replace("b])\n", "b])   # attraction\n  one: mean( z ^ 2 )\n")
    found = diff(load(Source("a.loss", text)), load(Source("b.loss", other)))
    assert found.changed == ()


def test_proportional_values_need_proportional_gradients():
    one = Readings((1.0, 2.0, 4.0), {"z": (1.0, 3.0)})
    assert relate_readings(one, Readings((3.0, 5.0, 9.0), {"z": (2.0, 6.0)})) == Relation(2, 1, by=NUMBERS)
    assert not relate_readings(one, Readings((3.0, 5.0, 9.0), {"z": (1.0, 3.0)})).gradients_agree
    assert not relate_readings(one, Readings((3.0, 5.0, 9.0), {"z": (2.0, 6.0), "p": (1.0, 0.0)})).gradients_agree
    assert relate_readings(one, Readings((1.0, 4.0, 16.0), {"z": (1.0, 3.0)})) is None
    assert relate_readings(one, Readings((2.0, 2.0, 2.0), {})) is None


def test_command_and_exit_status(capsys):
    names = {name: str(path) for name, path in SPECS.items()}
    assert main(["diff", names["simsiam"], names["simsiam"]]) == 0
    assert "No difference." in capsys.readouterr().out
    assert main(["diff", "simsiam", "byol", "--json"]) == 1
    shown = json.loads(capsys.readouterr().out)
    assert shown["answer"] == "different mathematics"
    assert {row["role"] for row in shown["rows"] if row["kind"] == "stability" and not row["equal"]} == {"target"}
    assert main(["diff", "simsiam", "no_such_method"]) == 2
    assert "no_such_method" in capsys.readouterr().err


def test_a_difference_shows_itself_in_a_notebook():
    shown = diff("simsiam", "byol")._repr_html_()
    assert "<table>" in shown
    assert "STABILITY" in shown


def test_how_it_was_decided_is_said():
    assert diff("simsiam", "simsiam").decided == "normal form"
    assert diff("simclr", "simclr_tf").decided == "normal form"
    assert diff("byol", "byol_no_ema").decided == "structure"
    texts = ("logaddexp(mean(z[a]), mean(z[b]))", "log(exp(mean(z[a])) + exp(mean(z[b])))")
    found = diff(*(method(f"minimize\n  term: {text}\n") for text in texts))
    assert found.answer == "same mathematics"
    assert found.decided == "values and gradients"
    assert "(by values and gradients)" in found.text()


def test_recipes_alone_are_said_to_differ():
    one, two = (method(f"minimize\n  t: mean(z^2)\n\nrecipe toy\n  batch_size = {size}\n") for size in (64, 128))
    found = diff(one, two)
    assert found.answer == "recipe only"
    assert not found
    assert [(row.role, row.left, row.right) for row in found.changed] == [
        ("recipe toy", "batch_size 64", "batch_size 128")
    ]


def test_terms_that_are_split_otherwise_have_one_sum():
    one = method("minimize\n  whole: mean(z^2) + 2 * alignment(z[a], z[b])\n")
    two = method("minimize\n  first: mean(z^2)\n  second: 2 * alignment(z[a], z[b])\n")
    found = diff(one, two)
    assert found.answer == "same mathematics"
    assert [row.note for row in found.changed] == ["the same sum"]


def test_counts_that_small_sizes_hide_are_seen():
    texts = [f"mean(abs(dot(z[a], random_directions({count}, like=z[a]))))" for count in (256, 512)]
    one, two = (method(f"minimize\n  t: {text}\n") for text in texts)
    assert diff(one, two).answer == "different mathematics"
    rows = [method(f"minimize\n  t: local(coding_rate(z[a]), rows={rows})\n") for rows in (512, 256)]
    assert diff(*rows).answer == "different mathematics"


def test_another_embedding_is_another_loss():
    head = "\nnetwork encoder = backbone\nnetwork projector = linear(6)\nh = encoder(x)\nz = projector(h)\n"
    texts = ("mean(normalize(h)^3) + mean(z^2)", "mean(normalize(z)^3) + mean(h^2)")
    one, two = (method(f"minimize\n  t: {text}\n", head=head) for text in texts)
    assert diff(one, two).answer == "different mathematics"


@pytest.mark.parametrize("names", [["simsiam"], ["simsiam", "byol", "no_such_method"]])
def test_too_few_or_missing_methods_are_wrong_usage(names, capsys):
    assert main(["diff", *names]) == 2
    assert capsys.readouterr().err


def test_many_methods_and_exit_status(capsys):
    assert main(["diff", "simsiam", "simsiam", "simsiam"]) == 0
    assert "All are the same mathematics." in capsys.readouterr().out
    assert main(["diff", "simsiam", "byol", "simclr", "--json"]) == 1
    shown = json.loads(capsys.readouterr().out)
    assert shown["classes"] == ["A", "B", "C"]
    assert {row["section"] for row in shown["rows"]} == {"mechanism", "term", "constant", "network", "views"}

"""Claims of the papers, decided by intervals over seeds."""

import pytest

from losslang.report.claims import CLAIMS, FIGURES, Pick, above, below, decide, less, near, no_worse
from losslang.report.runs import RunData


def runs(method, values, measured="knn", data="blobs", **choices):
    """Finished runs of a method, one per value."""
    return [
        RunData(
            None,
            {
                "method": method,
                "hash": "",
                "steps": 10,
                "parameters": {name: {"value": value, "set by": "default"} for name, value in choices.items()},
                "settings": {"data": {"value": data, "set by": "d"}, "seed": {"value": seed, "set by": "d"}},
            },
            {},
            [{"step": 0, measured: 0.5}],
            {"steps": 10, measured: value},
        )
        for seed, value in enumerate(values)
    ]


A, B = Pick("a"), Pick("b")


@pytest.mark.parametrize(
    ("judge", "left", "right", "answer"),
    [
        (less("knn", A, B), [0.1, 0.2, 0.15], [0.5, 0.6, 0.55], "holds"),
        (less("knn", A, B), [0.5, 0.6, 0.55], [0.1, 0.2, 0.15], "does not hold"),
        (less("knn", A, B), [0.1, 0.9, 0.4], [0.2, 0.8, 0.6], "undecided"),
        (less("knn", A, B), [0.1], [0.9], "undecided"),
        (near("knn", A, B), [0.901, 0.902, 0.9], [0.9, 0.901, 0.902], "holds"),
        (near("knn", A, B), [0.95, 0.951, 0.952], [0.9, 0.901, 0.902], "does not hold"),
        (near("knn", A, B), [0.85, 0.851, 0.852], [0.9, 0.901, 0.902], "does not hold"),
        (near("knn", A, B), [0.91, 0.93, 0.89], [0.9, 0.901, 0.902], "undecided"),
        (no_worse("knn", A, B), [0.93, 0.95, 0.94], [0.9, 0.901, 0.902], "holds"),
        (no_worse("knn", A, B), [0.895, 0.896, 0.897], [0.9, 0.901, 0.9], "holds"),
        (no_worse("knn", A, B), [0.85, 0.851, 0.852], [0.9, 0.901, 0.902], "does not hold"),
        (no_worse("knn", A, B), [0.885, 0.89, 0.895], [0.9, 0.901, 0.902], "undecided"),
        (above("knn", A, 0.95), [0.99, 0.98, 0.99], [0], "holds"),
        (above("knn", A, 0.95), [0.1, 0.2, 0.1], [0], "does not hold"),
        (below("knn", A, 0.95), [0.1, 0.2, 0.1], [0], "holds"),
        (below("knn", A, 0.95), [0.99, 0.98, 0.99], [0], "does not hold"),
        (below("knn", A, 0.95), [0.99, 0.9, 0.95], [0], "undecided"),
    ],
)
def test_an_interval_decides(judge, left, right, answer):
    found, evidence = judge.answer([*runs("a", left), *runs("b", right)])
    assert found == answer
    assert "kNN" in evidence


def test_without_its_runs_a_claim_is_not_decided():
    assert less("knn", A, B).answer(runs("a", [0.1, 0.2])) is None
    assert above("knn", B, 0.5).answer(runs("a", [0.1, 0.2])) is None
    assert list(decide(runs("nothing", [0.1]))) == []


def test_a_pick_takes_the_runs_with_its_choices_at_their_end():
    found = [*runs("byol", [0.1, 0.2], momentum=0), *runs("byol", [0.8, 0.9], momentum=0.99)]
    assert Pick("byol", {"momentum": 0.99}).of(found, "knn") == [0.8, 0.9]
    assert Pick("byol", {"momentum": 0}).of(found, "knn") == [0.1, 0.2]


def test_every_claim_belongs_to_a_figure_and_says_where_it_is_from():
    assert {claim.figure for claim in CLAIMS} == set(FIGURES)
    assert all(claim.text.endswith(".") for claim in CLAIMS)
    assert all("20" in claim.source for claim in CLAIMS)


def test_claims_are_decided_on_every_data_set():
    found = [
        *runs("simsiam_no_predictor", [0.99, 0.999, 0.99], "center_norm"),
        *runs("simsiam_no_predictor", [0.2, 0.3, 0.2], "center_norm", data="moons"),
    ]
    decisions = [d for d in decide(found, "figure4") if "predictor" in d.claim.text]
    assert [(d.data, d.answer) for d in decisions] == [("blobs", "holds"), ("moons", "does not hold")]
    assert decisions[1].evidence.endswith("; claimed: above 0.95")


def test_a_claim_about_a_sweep_names_the_setting_and_mixes_none():
    found = [
        *runs("simsiam", [0.3, 0.31, 0.32], "center_norm", width=64),
        *runs("simsiam", [0.97, 0.98, 0.99], "center_norm", width=8),
    ]
    decisions = [d for d in decide(found, "figure4") if d.claim.text.startswith("SimSiam keeps")]
    assert [(d.where, d.answer) for d in decisions] == [
        ("blobs, width=64", "holds"),
        ("blobs, width=8", "does not hold"),
    ]


def test_two_methods_of_a_sweep_are_compared_at_the_same_setting():
    found = [
        *runs("swav", [0.9, 0.901, 0.902], epsilon=0.05, prototypes=30),
        *runs("swav", [0.5, 0.501, 0.502], epsilon=1, prototypes=30),
        *runs("swav_fixed", [0.9, 0.901, 0.902], epsilon=0.05),
        *runs("swav_fixed", [0.9, 0.901, 0.902], epsilon=1),
        *runs("swav_fixed", [0.1, 0.101, 0.102], epsilon=2),
    ]
    decisions = [d for d in decide(found, "swav_fixed") if "kNN" in d.evidence]
    assert [(d.setting, d.answer) for d in decisions] == [("epsilon=0.05", "holds"), ("epsilon=1", "holds")]
    assert "0.901 of swav_fixed, 0.501 of swav," in decisions[1].evidence


def test_settings_of_one_method_alone_are_paired_with_all_of_the_other():
    found = [
        *runs("swav", [0.9, 0.901, 0.902], epsilon=0.05),
        *runs("swav", [0.5, 0.501, 0.502], epsilon=1),
        *runs("swav_fixed", [0.7, 0.701, 0.702], **{"optimizer.momentum": 0}),
        *runs("swav_fixed", [0.8, 0.801, 0.802], **{"optimizer.momentum": 0.9}),
    ]
    decisions = [d for d in decide(found, "swav_fixed") if "kNN" in d.evidence]
    assert {d.setting: d.answer for d in decisions} == {
        "momentum=0 epsilon=0.05": "does not hold",
        "momentum=0.9 epsilon=0.05": "does not hold",
        "momentum=0 epsilon=1": "holds",
        "momentum=0.9 epsilon=1": "holds",
    }


def test_what_a_claim_itself_chooses_is_no_setting():
    found = [run for m in (0, 0.9, 0.99, 0.999, 1) for run in runs("byol", [0.9, 0.91], momentum=m)]
    assert {d.setting for d in decide(found, "byol_momentum")} == {""}

"""The embeddings at the end of a run, from its checkpoint: their spectrum, and their two longest directions."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from losslang.diagnostics import LosslangError, SpecError
from losslang.report.plots import Plot, Trace
from losslang.report.runs import Group, RunData

__all__ = ["EndCloud", "cloud_plots", "end_cloud", "input_plots", "plan_of", "spectrum_plot"]

POINTS = 600
"""Test samples that are drawn."""


@dataclass(frozen=True)
class EndCloud:
    """What a trained model makes of the test samples.

    `plane` [sample, 2] are coordinates of the unit embeddings along their two principal directions, which hold the shares
    `held` of the variance; `eigenvalues` those of their covariance, largest first; `inputs` [sample, 2] of points in the plane.
    """

    labels: Sequence[int]
    plane: Sequence[Sequence[float]]
    held: tuple[float, float]
    eigenvalues: Sequence[float]
    center_norm: float
    inputs: Sequence[Sequence[float]] = ()


def end_cloud(run: RunData) -> EndCloud:
    """The embeddings of a run by its last checkpoint. Raises LosslangError where model or checkpoint cannot be had."""
    import torch
    from torch.nn import functional as F

    from losslang.evaluation.measure import embed
    from losslang.training.session import open_session

    plan = plan_of(run)
    session = open_session(plan)
    session.restore(run.folder / "checkpoint.pt")
    z = embed(session.model, session.samples.test, tuple(plan.policies), session.embedding).embedding
    unit = F.normalize(z.double(), dim=1)
    rest = unit - unit.mean(0)
    _, lengths, directions = torch.linalg.svd(rest, full_matrices=False)
    values = lengths.square() / len(rest)
    axes = directions[:2] * directions[:2].gather(1, directions[:2].abs().argmax(1, keepdim=True)).sign()
    plane = (rest @ axes.T)[:POINTS]
    shares = [*(values / values.sum().clamp_min(1e-300)).tolist(), 0.0]
    inputs = next(iter(session.samples.test.split(POINTS)))
    return EndCloud(
        session.samples.test_labels[:POINTS].tolist(),
        plane.tolist(),
        (shares[0], shares[1]),
        values.tolist(),
        float(unit.mean(0).norm()),
        inputs.tolist() if inputs.shape[1:] == (2,) else (),
    )


def plan_of(run: RunData) -> Any:
    """The plan of a run as its folder records it, a `RunPlan`. Raises LosslangError."""
    from pydantic import ValidationError

    from losslang.data.datasets import DATASETS
    from losslang.data.policies import POLICIES
    from losslang.pipeline import load
    from losslang.training.plan import RunPlan
    from losslang.training.recipe import Recipe

    recorded = run.settings
    numbers = {name: row["value"] for name, row in recorded["parameters"].items()}
    try:
        spec = load(run.method_file, parameters={n: v for n, v in numbers.items() if isinstance(v, int | float)})
        recipe = Recipe.model_validate_json(json.dumps(_nested(recorded["settings"])))
        policies = {
            view: POLICIES[row["policy"]].model_validate({k: v for k, v in row.items() if k != "policy"})
            for view, row in recorded["augmentation"].items()
        }
        dataset = DATASETS[run.data]
    except SpecError:
        raise LosslangError(f"{run.method_file} has errors now; `losslang check` shows them") from None
    except (ValidationError, KeyError) as error:
        raise LosslangError(f"{run.folder} was made by another version of losslang: {error}") from None
    steps, per_epoch = recorded["steps"], recorded["steps_per_epoch"]
    return RunPlan(spec, recorded["recipe"], recipe, {}, dataset, policies, run.folder, steps, per_epoch)


def _nested(settings: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Settings by path as the sections of a recipe."""
    found: dict[str, Any] = {}
    for path, row in settings.items():
        *sections, name = path.split(".")
        place = found
        for section in sections:
            place = place.setdefault(section, {})
        place[name] = row["value"]
    return found


# ---------------------------------------------------------------- plots


def spectrum_plot(clouds: Sequence[tuple[Group, EndCloud]]) -> Plot:
    """Eigenvalues of the covariance of the unit embeddings, every group on the same axes."""
    traces, ranks = [], []
    for group, cloud in clouds:
        values = [value for value in cloud.eigenvalues if value > 1e-16]
        traces.append(Trace(group.label, group.style, range(1, len(values) + 1), values))
        ranks.append(f"{group.label} {sum(value > 0.01 * values[0] for value in values) if values else 0}")
    text = f"Spectra, largest eigenvalue first. Eigenvalues above a hundredth of the largest: {'; '.join(ranks)}."
    return Plot(
        "spectrum", "Spectrum of the embeddings", "index", "", tuple(traces), text,
        "eigenvalues of cov(u), u = z/‖z‖, test samples, first seed", ylog=True,
    )  # fmt: skip


def cloud_plots(clouds: Sequence[tuple[Group, EndCloud]]) -> list[Plot]:
    """The embeddings of every group in the plane of their two longest directions, one colour per class."""
    return [_plane(group, cloud) for group, cloud in clouds]


def _plane(group: Group, cloud: EndCloud) -> Plot:
    first, second = (f"{100 * share:.0f} %" for share in cloud.held)
    text = (
        f"Unit embeddings of {group.label}, {len(set(cloud.labels))} classes. The two axes hold {first} and {second}"
        f" of the variance; the center, which is taken out, has the length {cloud.center_norm:.3f}."
    )
    return Plot(
        f"embedding {group.label}", group.label, f"first direction, {first}", f"second, {second}",
        tuple(_classes(cloud.labels, cloud.plane)), text, f"center norm {cloud.center_norm:.3f}", equal=True,
    )  # fmt: skip


def input_plots(clouds: Sequence[tuple[Group, EndCloud]]) -> list[Plot]:
    """The inputs themselves, of data sets in the plane."""
    found = {}
    for group, cloud in clouds:
        if cloud.inputs and group.first.data not in found:
            text = f"The test samples of {group.first.data}, {len(set(cloud.labels))} classes, before any network."
            traces = tuple(_classes(cloud.labels, cloud.inputs))
            name = f"inputs {group.first.data}"
            found[group.first.data] = Plot(name, name, "", "", traces, text, "one colour per class", equal=True)
    return list(found.values())


def _classes(labels: Sequence[int], points: Sequence[Sequence[float]]) -> Iterator[Trace]:
    for label in sorted(set(labels)):
        mine = [point for point, of in zip(points, labels, strict=True) if of == label]
        yield Trace(f"class {label}", label, [point[0] for point in mine], [point[1] for point in mine], "points")

"""`losslang eval`: one frozen protocol for every run, so that numbers of different runs can stand in one table."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from losslang.data.files import write_text
from losslang.evaluation.knn import weighted_knn_predict
from losslang.evaluation.measure import Embeddings, embed
from losslang.evaluation.probe import probe_accuracy
from losslang.evaluation.quantities import of_cloud
from losslang.training.linear import Tell, linear_by_sgd
from losslang.training.reopen import reopen

__all__ = ["PROTOCOL", "evaluate"]

PROTOCOL = {
    "version": 1,
    "inputs": "clean; of photos the middle square of 87.5 % of the shorter side, resized to the size of the first view",
    "networks": "evaluation mode, running statistics of batch norm; features of the backbone, embedding of the method",
    "knn_20, knn_200": "cosine, votes weighted by exp(cosine / 0.07), of the training part",
    "linear": "ridge regression on one-hot labels, features standardised, penalty 1e-3 times the number of samples",
}
"""What is measured and how. A change of any of it is another version."""

NEIGHBOURS = (20, 200)


def evaluate(
    run: Path,
    *,
    data: str | None = None,
    linear: Literal["ridge", "sgd"] | None = None,
    epochs: int | None = None,
    tell: Tell = lambda _epoch: None,
) -> dict[str, Any]:
    """Measure a run on its own data or others, and write `evaluation.json` (`evaluation-NAME.json`) into its folder.

    With `linear="sgd"` linear classifiers are trained for `epochs` beside the closed form; by default both are as the recipe
    of the run says. `tell` hears the number of every epoch.

    Raises LosslangError where the folder holds no run, OSError where writing fails.
    """
    session = reopen(run, data)
    samples, views = session.samples, tuple(session.plan.policies)
    train, test = (embed(session.model, part, views, session.embedding) for part in (samples.train, samples.test))
    name = session.plan.dataset.name
    path = run / ("evaluation.json" if data is None else f"evaluation-{name}.json")
    found: dict[str, Any] = {
        "data": name,
        "step": session.step,
        "embedding": session.embedding or "backbone",
        "measured": _measured(train, samples.labels, test, samples.test_labels),
        "protocol": dict(PROTOCOL),
    }
    asked = session.plan.recipe.evaluation
    if (linear or asked.linear) == "sgd":
        fitted, words = linear_by_sgd(session, train, test, epochs or asked.linear_epochs, tell)
        found["measured"] |= fitted
        found["protocol"]["linear_sgd"] = words
    write_text(path, json.dumps(found, indent=2) + "\n")
    return found | {"file": str(path)}


def _measured(train: Embeddings, labels: Tensor, test: Embeddings, test_labels: Tensor) -> dict[str, float]:
    found: dict[str, float] = {}
    for prefix, fit, apply in (("", train.features, test.features), ("embedding_", train.embedding, test.embedding)):
        for neighbours in NEIGHBOURS:
            predicted = weighted_knn_predict(fit, labels, apply, neighbours=neighbours)
            found[f"{prefix}knn_{neighbours}"] = float((predicted == test_labels).to(torch.float64).mean())
        found[f"{prefix}linear"] = probe_accuracy(fit, labels, apply, test_labels)
    return found | of_cloud(test.embedding)

"""Why the verdict missed, where it was looked into: set and number -> a sentence."""

from __future__ import annotations

__all__ = ["FINDINGS", "NOTES"]

SHARED = (
    "A predictor on both sides, which the verdict does not train; in training it takes a part of the collapse on itself, and"
    " embeddings move slowly, or lose directions first."
)
BARLOW = "Barlow's term standardises: its push on the residual is stronger near collapse than on the cloud where training starts."
LAGGING = (
    "The covariance term shrinks the residual until the noise in a batch's mean outweighs it; the flow's center has no such"
    " noise, and follows at once."
)
IDLE = (
    "With squared errors a bias before the comparison finds nothing to learn, and the covariance term shrinks the residual; the"
    " verdict takes it for a predictor that holds."
)

NOTES: dict[tuple[str, int], str] = {
    **dict.fromkeys([("fresh_2", n) for n in (174, 39, 135, 110, 82)], SHARED),
    **dict.fromkeys([("fresh", n) for n in (85, 165)], SHARED),
    ("calibration_2", 100): SHARED,
    **dict.fromkeys([("fresh_2", n) for n in (46, 291)], BARLOW),
    **dict.fromkeys([("fresh", 214), ("calibration_2", 1)], LAGGING),
    **dict.fromkeys([("fresh", 32), ("fresh", 36), ("calibration", 90)], IDLE),
}

FINDINGS = """\
## What the fresh objectives showed

Not corrected, so that the figures above stay those of rules that had not seen them:

- Predictors on both sides are the weakest kind: their own training is not followed, and five of the worst eight misses are
  theirs. One is taken for a predictor on one side where another term uses the embedding before it.
- Weak terms of Barlow's are said to lose against alignment, and win.
- Behind batch norm a strong penalty beside a weak one loses directions that the forces do not show.
- A bias as predictor learns nothing from squared errors, and is said to hold.
- The flow knows no noise of batches: a strong covariance term beside centering is worse than it says."""

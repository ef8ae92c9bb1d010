"""Compare two models row by row: the mean difference and its 95 % interval.

Both models answered the same rows, so the rows are resampled as pairs: a row that is hard for both
adds nothing to the interval.

The interval is the percentile bootstrap's, widened for few rows as Student's t is against the
normal: the "expanded percentile interval" of T. Hesterberg, What Teachers Should Know About the
Bootstrap (2015). BCa was tried and dropped: where most rows are ties, as with exact match on 20
rows, it calls an equal model better in up to 4 % of simulations, for 2.5 % promised; this one
stays below.

Not covered: more than two models at once, and rows that depend on each other.
"""

import math
from collections.abc import Sequence
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, computed_field

from tools.errors import EvaluationError

_CONFIDENCE = 0.95
_VALUES_PER_BATCH = 2_000_000  # resampled at a time: 16 MB

Finite = Annotated[float, Field(allow_inf_nan=False)]


class Comparison(BaseModel):
    """A candidate against a baseline on one metric, paired by row."""

    model_config = ConfigDict(frozen=True)

    metric: str
    higher_is_better: bool
    rows: int = Field(ge=1, description="Held-out rows that both were scored on.")
    baseline: Finite = Field(description="Mean of the baseline.")
    candidate: Finite = Field(description="Mean of the candidate.")
    difference: Finite = Field(description="Mean of candidate minus baseline.")
    low: Finite = Field(description="Lower end of the 95 % interval of the difference.")
    high: Finite = Field(description="Upper end of the 95 % interval of the difference.")

    @computed_field  # type: ignore[prop-decorator]
    @property
    def better(self) -> bool:
        """Whether the whole interval is on the good side of zero."""
        return self.low > 0 if self.higher_is_better else self.high < 0


def compare(
    metric: str,
    *,
    baseline: Sequence[float],
    candidate: Sequence[float],
    higher_is_better: bool,
    seed: int = 42,
    resamples: int = 10_000,
) -> Comparison:
    """Return the mean difference between two lists of scores of the same rows, with its interval.

    Raises:
        EvaluationError: There are no scores, not as many of one as of the other, or one of them
            is not a finite number.
    """
    _check(metric, baseline, candidate)
    differences = [new - old for old, new in zip(baseline, candidate, strict=True)]
    low, high = _interval(differences, seed=seed, resamples=resamples)
    return Comparison(
        metric=metric,
        higher_is_better=higher_is_better,
        rows=len(differences),
        baseline=_mean(baseline),
        candidate=_mean(candidate),
        difference=_mean(differences),
        low=low,
        high=high,
    )


def _check(metric: str, baseline: Sequence[float], candidate: Sequence[float]) -> None:
    if not baseline or len(baseline) != len(candidate):
        raise EvaluationError(
            f"{metric} cannot be compared: {len(baseline)} scores against {len(candidate)}. "
            "Both models must be scored on the same rows, and on at least one."
        )
    for number, score in enumerate([*baseline, *candidate]):
        if not math.isfinite(score):
            raise EvaluationError(
                f"{metric} cannot be compared: the score of held-out row "
                f"{number % len(baseline) + 1} is not a finite number. A model whose loss is "
                "not finite has diverged; train again with a lower learning rate."
            )


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)


def _interval(differences: Sequence[float], *, seed: int, resamples: int) -> tuple[float, float]:
    if min(differences) == max(differences):
        return differences[0], differences[0]
    import numpy as np
    from scipy.stats import bootstrap, norm, t

    rows = len(differences)
    # Without this, 20 normal differences are covered in 93 % of cases instead of 95 %.
    reach = t.ppf((1 + _CONFIDENCE) / 2, rows - 1) * math.sqrt(rows / (rows - 1))
    interval = bootstrap(
        (np.asarray(differences),),
        np.mean,
        n_resamples=resamples,
        batch=max(1, _VALUES_PER_BATCH // rows),
        confidence_level=1 - 2 * norm.sf(reach),
        method="percentile",
        rng=np.random.default_rng(seed),
    ).confidence_interval
    return float(interval.low), float(interval.high)

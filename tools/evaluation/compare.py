"""Compare two models prompt by prompt: the mean difference and its 95 % interval.

Both models answered the same rows, so the difference is taken row by row: a row that is hard for
both adds nothing to the interval. Rows with one prompt are no independent evidence, so they are
averaged first, and the prompts are resampled. With rows resampled instead, an equal model was
called better in 18 % of simulations on 20 prompts of 5 rows.

The interval is the percentile bootstrap's, widened for few rows as Student's t is against the
normal: the "expanded percentile interval" of T. Hesterberg, What Teachers Should Know About the
Bootstrap (2015). BCa was tried and dropped: where most rows are ties, as with exact match on 20
rows, it calls an equal model better in up to 4 % of simulations, for 2.5 % promised; this one
stays below.

Not covered: more than two models at once, and prompts that depend on each other.
"""

import math
from collections.abc import Hashable, Sequence

from pydantic import BaseModel, ConfigDict, Field, computed_field

from tools.errors import EvaluationError
from tools.training.loss_point import Finite

_CONFIDENCE = 0.95
_RESAMPLES = 10_000
_VALUES_PER_BATCH = 2_000_000  # resampled at a time: 16 MB


class Comparison(BaseModel):
    """A candidate against a baseline on one metric, paired by row, every prompt counting once."""

    model_config = ConfigDict(frozen=True)

    metric: str
    higher_is_better: bool
    rows: int = Field(ge=1, description="Held-out rows that both were scored on.")
    prompts: int = Field(ge=1, description="Distinct prompts of these rows.")
    baseline: Finite = Field(description="Mean of the baseline over the prompts.")
    candidate: Finite = Field(description="Mean of the candidate over the prompts.")
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
    prompts: Sequence[Hashable],
    baseline: Sequence[float],
    candidate: Sequence[float],
    higher_is_better: bool,
    seed: int = 42,
) -> Comparison:
    """Return the mean difference between two lists of scores of the same rows, with its interval.

    Args:
        metric: What the scores are of.
        prompts: What each row was asked; rows with an equal one belong together.
        baseline: The baseline's score of each row.
        candidate: The candidate's.
        higher_is_better: Whether a higher score is a better one.
        seed: Draws the resamples.

    Raises:
        EvaluationError: There are no scores, not as many of one as of the other, or one of them
            is not a finite number.
    """
    _check(metric, baseline, candidate)
    differences = [new - old for old, new in zip(baseline, candidate, strict=True)]
    by_prompt = _by_prompt(prompts, differences)
    low, high = _interval(by_prompt, seed=seed)
    return Comparison(
        metric=metric,
        higher_is_better=higher_is_better,
        rows=len(differences),
        prompts=len(by_prompt),
        baseline=_mean(_by_prompt(prompts, baseline)),
        candidate=_mean(_by_prompt(prompts, candidate)),
        difference=_mean(by_prompt),
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


def _by_prompt(prompts: Sequence[Hashable], values: Sequence[float]) -> list[float]:
    """Return the mean of the values of each prompt."""
    together: dict[Hashable, list[float]] = {}
    for prompt, value in zip(prompts, values, strict=True):
        together.setdefault(prompt, []).append(value)
    return [_mean(of_prompt) for of_prompt in together.values()]


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)


def _interval(differences: Sequence[float], *, seed: int) -> tuple[float, float]:
    if min(differences) == max(differences):
        return differences[0], differences[0]
    import numpy as np
    from scipy.stats import bootstrap, norm, t

    count = len(differences)
    # Without this, 20 normal differences are covered in 93 % of cases instead of 95 %.
    reach = t.ppf((1 + _CONFIDENCE) / 2, count - 1) * math.sqrt(count / (count - 1))
    interval = bootstrap(
        (np.asarray(differences),),
        np.mean,
        n_resamples=_RESAMPLES,
        batch=max(1, _VALUES_PER_BATCH // count),
        confidence_level=1 - 2 * norm.sf(reach),
        method="percentile",
        rng=np.random.default_rng(seed),
    ).confidence_interval
    return float(interval.low), float(interval.high)

"""The gate: may this adapter be called better, and may it become the champion?

Better means all of: on the primary metric the tuned model beats its base with the 95 % paired
interval wholly on the good side of zero; there are enough held-out prompts; and the answers depend
on the questions. Promoted means better, and also better than today's champion if there is one.

The reading check is the third of these. Each answer is scored against its own reference and against
the references of other rows. A model that reads its questions fits its own references better. A
model trained on shuffled labels has learned the format and the frequent answers only: it may beat
an untrained base, but its answers fit any row as well as their own, so the interval of that
difference includes zero and the model is not called better. Loss on plain text has no answers and
therefore no reading check.

Not covered: whether a better answer is a good one, and what the model has forgotten.
"""

from collections.abc import Sequence
from typing import Literal, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, model_validator

from tools.data.enough_rows import MINIMUM_PROMPTS
from tools.errors import EvaluationError
from tools.evaluation.compare import Comparison

CheckName = Literal["prompts", "beats_base", "reading", "beats_champion"]


class GateCheck(BaseModel):
    """One condition, and why it holds or not."""

    model_config = ConfigDict(frozen=True)

    name: CheckName
    passed: bool
    reason: str


class GateDecision(BaseModel):
    """What the gate says about one adapter, named by the hash of its weights."""

    model_config = ConfigDict(frozen=True)

    verdict: Literal["better", "not better"]
    promote: bool = Field(description="Whether the adapter may become the champion.")
    primary_metric: str
    adapter_sha256: str
    champion_version: int | None = Field(description="The champion at the time, if there was one.")
    checks: tuple[GateCheck, ...]
    reasons: tuple[str, ...] = Field(
        description="Why not: the failed checks. Why: all of them, if none failed."
    )

    @model_validator(mode="after")
    def _follows_from_its_checks(self) -> Self:
        failed = {check.name for check in self.checks if not check.passed}
        complete = {check.name for check in self.checks} == {*get_args(CheckName)}
        if self.promote != (complete and not failed):
            raise ValueError("'promote' does not follow from the checks")
        if (self.verdict == "better") != (complete and failed <= {"beats_champion"}):
            raise ValueError("'verdict' does not follow from the checks")
        return self


def decide(
    *,
    against_base: Sequence[Comparison],
    reading: Comparison | None,
    against_champion: Comparison | None,
    champion_version: int | Literal["unknown"] | None,
    primary_metric: str,
    adapter_sha256: str,
) -> GateDecision:
    """Decide from comparisons alone whether the adapter is better, and whether to promote it.

    An adapter is not promoted while it is not known whether there is a champion.

    Raises:
        EvaluationError: The primary metric was not compared with the base.
    """
    primary = next((one for one in against_base if one.metric == primary_metric), None)
    if primary is None:
        raise EvaluationError(
            f"The tuned model was not compared with its base on {primary_metric}, which decides. "
            "Run the evaluation again."
        )
    checks = (
        _prompts(primary),
        _beats_base(primary),
        _reads(reading, primary_metric),
        _beats_champion(against_champion, champion_version, primary_metric),
    )
    failed = [check for check in checks if not check.passed]
    return GateDecision(
        verdict="better" if all(check.passed for check in checks[:3]) else "not better",
        promote=not failed,
        primary_metric=primary_metric,
        adapter_sha256=adapter_sha256,
        champion_version=None if champion_version == "unknown" else champion_version,
        checks=checks,
        reasons=tuple(check.reason for check in failed or checks),
    )


def _prompts(primary: Comparison) -> GateCheck:
    enough = primary.prompts >= MINIMUM_PROMPTS
    repeated = (
        "" if primary.prompts == primary.rows else f" with {primary.prompts} distinct prompts"
    )
    need = "" if enough else f" {MINIMUM_PROMPTS} prompts are needed: import more rows."
    return GateCheck(
        name="prompts",
        passed=enough,
        reason=f"{primary.rows} held-out rows{repeated} were compared.{need}",
    )


def _beats_base(primary: Comparison) -> GateCheck:
    outcome = "the tuned model is better" if primary.better else "no proof that it is better"
    return GateCheck(
        name="beats_base",
        passed=primary.better,
        reason=f"Against the base: {_measured(primary)}; {outcome}.",
    )


def _reads(reading: Comparison | None, primary_metric: str) -> GateCheck:
    if primary_metric == "loss":
        reason = "Plain text has no questions, so there is no reading check."
        return GateCheck(name="reading", passed=True, reason=reason)
    if reading is None:
        reason = "It was not measured whether the answers depend on the questions."
        return GateCheck(name="reading", passed=False, reason=reason)
    outcome = (
        "the answers depend on the questions"
        if reading.better
        else "no proof that the answers depend on the questions"
    )
    return GateCheck(
        name="reading",
        passed=reading.better,
        reason=f"The answers score {reading.candidate:.3f} against their own references and "
        f"{reading.baseline:.3f} against those of other rows, {_interval(reading)}; {outcome}.",
    )


def _beats_champion(
    comparison: Comparison | None,
    version: int | Literal["unknown"] | None,
    primary_metric: str,
) -> GateCheck:
    if version == "unknown":
        reason = "Today's champion could not be fetched, so there was nothing to beat."
        return GateCheck(name="beats_champion", passed=False, reason=reason)
    if version is None and comparison is None:
        return GateCheck(name="beats_champion", passed=True, reason="There is no champion yet.")
    if comparison is None or comparison.metric != primary_metric:
        reason = f"It was not compared with the champion, version {version}, on {primary_metric}."
        return GateCheck(name="beats_champion", passed=False, reason=reason)
    outcome = "it is better" if comparison.better else "no proof that it is better"
    return GateCheck(
        name="beats_champion",
        passed=comparison.better,
        reason=f"Against the champion, version {version}: {_measured(comparison)}; {outcome}.",
    )


def _measured(comparison: Comparison) -> str:
    return (
        f"{comparison.metric} {comparison.baseline:.3f} to {comparison.candidate:.3f}, "
        f"{_interval(comparison)}"
    )


def _interval(comparison: Comparison) -> str:
    return (
        f"difference {comparison.difference:+.3f}, 95 % interval {comparison.low:+.3f} to "
        f"{comparison.high:+.3f}"
    )

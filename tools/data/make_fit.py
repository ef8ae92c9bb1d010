"""Repair a dataset as its owner's policy says, split it, and say whether it is fit to train on.

It is what the Data Manager does when nobody judges: the same tools in the same order.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from tools.counted import counted
from tools.data.audit_dataset import AuditReport
from tools.data.data_policy import DataPolicy
from tools.data.privacy.kinds import KINDS, spoken
from tools.data.repair import Repaired, repair_all
from tools.data.split_dataset import SplitReport, split_dataset
from tools.progress import Progress

Verdict = Literal["fit", "fit after repairs"]


class FitReport(BaseModel):
    """What was repaired, and what there is to train on."""

    model_config = ConfigDict(frozen=True)

    verdict: Verdict
    repairs: tuple[Repaired, ...] = Field(description="Those that changed something.")
    rows_read: int
    rows_kept: int
    split: SplitReport


def make_fit(source: Path, policy: DataPolicy, *, progress: Progress | None = None) -> FitReport:
    """Repair and split the dataset version at `source`.

    Raises:
        DatasetError: It is missing or malformed, too little would be left of it, or the policy
            leaves a question open.
    """
    done = repair_all(source, policy.repairs(), progress=progress)
    return FitReport(
        verdict="fit after repairs" if done.repairs else "fit",
        repairs=done.repairs,
        rows_read=done.rows_read,
        rows_kept=done.rows_kept,
        split=split_dataset(source.with_name(f"{done.dataset}.jsonl"), source.parent),
    )


def open_questions(policy: DataPolicy, found: AuditReport) -> tuple[str, ...]:
    """Return what the owner must decide before `found` can be repaired."""
    return tuple(_questions(policy, found))


def _questions(policy: DataPolicy, found: AuditReport) -> Iterator[str]:
    for kind in KINDS:
        count = found.privacy.found.get(kind, 0)
        if count and policy.privacy.action(kind) == "ask":
            yield (
                f"The dataset holds {spoken(kind, count)}. Set privacy.{kind} to report, drop_row, "
                "mask or pseudonymise."
            )
    if policy.marked == "ask" and found.scan.rows_marked:
        yield (
            f"The scan for attacks marks {counted(found.scan.rows_marked, 'row')}. Set marked to "
            "report or drop_row."
        )
    if policy.near_duplicates == "ask" and found.near_duplicates.clusters:
        yield (
            f"{found.near_duplicates.rows_in_clusters:,} rows are nearly the same as another. Set "
            "near_duplicates to report or drop_row."
        )
    rows = found.contamination.rows if found.contamination else 0
    if policy.contaminated == "ask" and rows:
        yield (
            f"A passage of a benchmark stands in {counted(rows, 'row')}. Set contaminated to "
            "report or drop_row."
        )

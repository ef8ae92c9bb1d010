"""One repair of a dataset: a step with its settings, and the version that comes of it.

A repair is data, so the repairs that led to a version are its recipe: they stand in its record
(`version_record`), and `replay` does them again.
"""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, StringConstraints, TypeAdapter

from tools.counted import counted
from tools.data.clean_dataset import USUAL_STEPS, CleaningStep, clean
from tools.data.contamination import remove_contaminated, texts_to_keep_out
from tools.data.conversation import read_conversations
from tools.data.deduplicate import deduplicate
from tools.data.near_duplicates import THRESHOLD, remove_near_duplicates
from tools.data.privacy.kinds import PrivacyPolicy
from tools.data.privacy.redact import redact
from tools.data.scan.load_patterns import Level
from tools.data.scan.scan_dataset import remove_marked
from tools.data.validate_dataset import remove_invalid
from tools.data.version_record import VersionRecord, keep_record
from tools.progress import NoProgress, Progress

DatasetName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,95}$")]


class _Repair(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Clean(_Repair):
    """Clean every text."""

    kind: Literal["clean"] = "clean"
    steps: tuple[CleaningStep, ...] = Field(default=USUAL_STEPS, min_length=1)


class Redact(_Repair):
    """Do with private values what the policy says."""

    kind: Literal["redact"] = "redact"
    policy: PrivacyPolicy = PrivacyPolicy()


class RemoveMarked(_Repair):
    """Leave out the rows that the scan for attacks marks."""

    kind: Literal["remove_marked"] = "remove_marked"
    level: Level = "standard"


class RemoveInvalid(_Repair):
    """Leave out the rows that validation found an error in."""

    kind: Literal["remove_invalid"] = "remove_invalid"


class Deduplicate(_Repair):
    """Leave out exact repeats."""

    kind: Literal["deduplicate"] = "deduplicate"


class RemoveNearDuplicates(_Repair):
    """Leave out all but the first of rows that are nearly the same."""

    kind: Literal["remove_near_duplicates"] = "remove_near_duplicates"
    threshold: float = Field(default=THRESHOLD, ge=0.5, le=1)


class RemoveContaminated(_Repair):
    """Leave out the rows that share a passage with one of the datasets `benchmarks`."""

    kind: Literal["remove_contaminated"] = "remove_contaminated"
    benchmarks: tuple[DatasetName, ...] = Field(min_length=1, max_length=20)


Repair = Annotated[
    Clean
    | Redact
    | RemoveMarked
    | RemoveInvalid
    | Deduplicate
    | RemoveNearDuplicates
    | RemoveContaminated,
    Field(discriminator="kind"),
]
REPAIR: TypeAdapter[Repair] = TypeAdapter(Repair)


class Repaired(BaseModel):
    """What a repair did."""

    model_config = ConfigDict(frozen=True)

    dataset: str = Field(description="Name of the dataset version that came of it.")
    kind: str = Field(description="The repair that was made.")
    rows_read: int
    rows_kept: int
    rows_changed: int = Field(description="Rows that stayed with other texts.")
    report: dict[str, JsonValue] = Field(description="What it counted; no text of a row.")


class Repairs(BaseModel):
    """What several repairs did, one after the other."""

    model_config = ConfigDict(frozen=True)

    dataset: str = Field(description="Name of the dataset version that came of them.")
    rows_read: int
    rows_kept: int
    repairs: tuple[Repaired, ...] = Field(description="Those that changed something.")


def repair_all(
    source: Path, steps: Iterable[Repair], *, progress: Progress | None = None
) -> Repairs:
    """Do `steps` one after the other, each with what the one before made of `source`.

    Raises:
        DatasetError: `source` is missing or malformed, or too little would be left of it.
    """
    progress = progress or NoProgress()
    done: list[Repaired] = []
    current = source
    for step in steps:
        made = repair(current, step, progress=progress)
        if made.dataset != current.stem:
            progress.log(told(made))
        done.append(made)
        current = source.with_name(f"{made.dataset}.jsonl")
    rows = sum(1 for _ in read_conversations(source)) if not done else done[0].rows_read
    return Repairs(
        dataset=current.stem,
        rows_read=rows,
        rows_kept=done[-1].rows_kept if done else rows,
        repairs=tuple(one for one in done if one.rows_changed or one.rows_kept < one.rows_read),
    )


def told(made: Repaired) -> str:
    """Return what a repair did, in a sentence."""
    parts = []
    if made.rows_changed:
        parts.append(f"{counted(made.rows_changed, 'row')} changed")
    if made.rows_kept < made.rows_read:
        parts.append(f"{counted(made.rows_read - made.rows_kept, 'row')} left out")
    kind = made.kind.replace("_", " ")
    return f"{kind[:1].upper()}{kind[1:]}: {', '.join(parts) or 'nothing to do'}."


def repair(source: Path, what: Repair, *, progress: Progress | None = None) -> Repaired:
    """Write the version that `what` makes of `source` beside it, with its record.

    Raises:
        DatasetError: `source` is missing or malformed, or too little would be left of it.
    """
    progress = progress or NoProgress()
    progress.check()
    report = _DO[what.kind](source, what, progress).model_dump(mode="json")
    done = Repaired(
        dataset=report["dataset"],
        kind=what.kind,
        rows_read=report["rows_read"],
        rows_kept=report.get("rows_kept", report["rows_read"]),
        rows_changed=report.get("rows_changed", 0),
        report={key: value for key, value in report.items() if key != "dataset"},
    )
    keep_record(
        source.parent,
        VersionRecord(
            version=done.dataset,
            made_from=source.stem,
            step=what.model_dump(mode="json"),
            report=done.report,
        ),
    )
    return done


def _remove_contaminated(source: Path, what: RemoveContaminated) -> BaseModel:
    texts = {name: texts_to_keep_out(source.with_name(f"{name}.jsonl")) for name in what.benchmarks}
    return remove_contaminated(source, source.parent, texts)


_DO: dict[str, Callable[[Path, Any, Progress], BaseModel]] = {
    "clean": lambda source, what, progress: clean(
        source, source.parent, steps=what.steps, progress=progress
    ),
    "redact": lambda source, what, _: redact(source, source.parent, what.policy),
    "remove_marked": lambda source, what, _: remove_marked(source, source.parent, what.level),
    "remove_invalid": lambda source, _, __: remove_invalid(source, source.parent),
    "deduplicate": lambda source, _, __: deduplicate(source, source.parent),
    "remove_near_duplicates": lambda source, what, _: remove_near_duplicates(
        source, source.parent, threshold=what.threshold
    ),
    "remove_contaminated": lambda source, what, _: _remove_contaminated(source, what),
}

"""The Data Manager: is the data fit to train on?"""

import os.path
from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from agents.answers import DataDecision
from agents.desk import Desk
from agents.job import FineTuneJob
from agents.rule_llm import Request, Seen
from agents.run_agent import Assignment, run_agent
from tools.counted import counted
from tools.data.audit_dataset import AuditReport, audit
from tools.data.dataset_card import dataset_card
from tools.data.enough_rows import MINIMUM_PROMPTS
from tools.data.import_dataset import ImportReport, import_dataset
from tools.data.make_fit import open_questions
from tools.data.privacy.find_in_dataset import find_in_dataset
from tools.data.privacy.kinds import PrivacyPolicy
from tools.data.read_rows import data_suffix
from tools.data.repair import Repair, Repaired, Repairs, repair_all
from tools.data.split_dataset import SplitReport, split_dataset
from tools.data.validate_dataset import validate
from tools.data.version_record import history
from tools.errors import DatasetError
from tools.files import write_text
from tools.hub.fetch_dataset import HubDataset

CARD = "dataset_card.md"


class AuditSummary(BaseModel):
    """What an audit found, in numbers; the whole of it stands in the dataset's card."""

    model_config = ConfigDict(frozen=True)

    dataset: str
    rows: int
    rows_usable: int
    plain_text: bool = Field(description="Whether every row is text to continue.")
    preference: bool = Field(description="Whether every row has a chosen and a rejected answer.")
    languages: dict[str, float] = Field(description="Share of each language.")
    counts: dict[str, int] = Field(description="Findings of each code.")
    remarks: tuple[str, ...] = Field(description="About the dataset as a whole.")
    open_questions: tuple[str, ...] = Field(description="What the owner must decide first.")
    repairs: tuple[str, ...] = Field(description="What the owner's policy allows, in its order.")


def judge_data(desk: Desk) -> DataDecision:
    """Let the Data Manager import, check, repair and split the data of the job."""
    return run_agent(
        Assignment(
            name="data_manager",
            step=1,
            tools=(
                import_user_dataset,
                audit_dataset,
                repair_dataset,
                split_for_training,
            ),
            answer=DataDecision,
            rules=_decide,
            check=_problem,
        ),
        desk,
    )


def source_of(job: FineTuneJob) -> Path | HubDataset:
    """Return the file, folder or Hub dataset that the job's `dataset` means.

    Raises:
        DatasetError: It is neither a path that exists nor shaped like a Hub id.
    """
    # Not Path.expanduser() and exists(): they raise at an unknown `~user` and an over-long name.
    path = Path(os.path.expanduser(job.dataset))
    if (
        os.path.lexists(path)
        or data_suffix(path.name) is not None
        or job.dataset.startswith((".", "/", "~"))
    ):
        return path
    return HubDataset(id=job.dataset, config=job.config, split=job.split, revision=job.revision)


def import_user_dataset(desk: Desk) -> ImportReport:
    """Import the dataset the user named. Its format is recognised by its structure."""
    progress, token = desk.studio.progress, desk.studio.hub_token
    progress.log(f"Importing {Path(desk.job.dataset).name}.")
    report = import_dataset(
        source_of(desk.job),
        desk.studio.workspace.datasets,
        token=token.get_secret_value() if token else None,
        progress=progress,
    )
    desk.admit(report.dataset)
    return report


def audit_dataset(desk: Desk, dataset: str) -> AuditSummary:
    """Look for all that can be wrong: faulty rows, repeats, private values, attacks, languages."""
    found = audit(desk.dataset(dataset), desk.job.policy, progress=desk.studio.progress)
    write_text(desk.folder / CARD, _card(desk, found))
    return AuditSummary(
        dataset=found.dataset,
        rows=found.rows,
        rows_usable=found.rows_usable,
        plain_text=found.profile.plain_text,
        preference=found.profile.preference,
        languages=found.languages,
        counts=found.counts,
        remarks=tuple(f"{one.message} {one.remedy}" for one in found.remarks),
        open_questions=open_questions(desk.job.policy, found),
        repairs=tuple(one.kind for one in desk.job.policy.repairs()),
    )


def repair_dataset(desk: Desk, dataset: str, repairs: list[str]) -> Repairs:
    """Copy a dataset with the named repairs done, of those that its owner's policy allows."""
    allowed: dict[str, Repair] = {one.kind: one for one in desk.job.policy.repairs()}
    unknown = [name for name in repairs if name not in allowed]
    if unknown:
        raise DatasetError(
            f"{unknown[0][:40]!r} is not a repair that the owner's policy allows. Allowed are: "
            f"{', '.join(allowed)}."
        )
    steps = [allowed[name] for name in repairs]
    report = repair_all(desk.dataset(dataset), steps, progress=desk.studio.progress)
    desk.admit(report.dataset)
    return report


def split_for_training(desk: Desk, dataset: str) -> SplitReport:
    """Split a clean dataset into rows to train on, to watch the loss on, and held-out rows.

    Rows that belong together go to one side. Faulty rows must have been removed, and private
    values redacted before.
    """
    source, workspace = desk.dataset(dataset), desk.studio.workspace
    checked = validate(source)
    if checked.rows_usable < checked.rows_checked:
        faulty = checked.rows_checked - checked.rows_usable
        raise DatasetError(
            f"An error was found in {counted(faulty, 'row')}. Call repair_dataset with "
            "remove_invalid."
        )
    _refuse_private(source, desk.job.policy.privacy)
    report = split_dataset(source, workspace.datasets)
    if report.heldout_prompts < MINIMUM_PROMPTS:
        desk.studio.progress.log(
            f"  Of {report.prompts} prompts, {report.heldout_prompts} are held out. A proof takes "
            f"{MINIMUM_PROMPTS}, so the verdict cannot be 'better': add rows."
        )
    desk.admit(report.train, report.validation, report.heldout)
    return report


def _refuse_private(source: Path, policy: PrivacyPolicy) -> None:
    """Refuse rows with values that the policy takes out, whatever a model made of it.

    Raises:
        DatasetError: There are such rows.
    """
    rows = find_in_dataset(source, policy).rows
    kinds = [kind for kind in rows if policy.action(kind) != "report"]
    if kinds:
        found = ", ".join(f"{kind} in {counted(rows[kind], 'row')}" for kind in kinds)
        raise DatasetError(f"There are private values: {found}. Call repair_dataset with redact.")


def _card(desk: Desk, found: AuditReport) -> str:
    return dataset_card(found, history(desk.studio.workspace.datasets, found.dataset))


def _decide(seen: Seen) -> Request | BaseModel:
    """Import and look; refuse what a tool refuses and what cannot be trained on; else repair."""
    imported = seen.report("import_user_dataset", ImportReport)
    if seen.refusal is not None:
        reasons = f"{seen.refusal}{_unread(imported)}"
        return DataDecision(verdict="not fit", reasons=reasons[:2000])
    if imported is None:
        return Request("import_user_dataset", {})
    found = seen.report("audit_dataset", AuditSummary)
    if found is None:
        return Request("audit_dataset", {"dataset": imported.dataset})
    if found.preference:
        return DataDecision(verdict="not fit", reasons=_PREFERENCE)
    if found.open_questions:
        return DataDecision(verdict="not fit", reasons=" ".join(found.open_questions)[:2000])
    repaired = seen.report("repair_dataset", Repairs)
    if repaired is None:
        # All that the policy asks for: each leaves alone what is sound.
        asked = {"dataset": imported.dataset, "repairs": list(found.repairs)}
        return Request("repair_dataset", asked)
    split = seen.report("split_for_training", SplitReport)
    if split is None:
        return Request("split_for_training", {"dataset": repaired.dataset})
    return _answer(imported, repaired, split)


_NOT_REFUSED = (
    "No tool has refused the dataset, and it is not known to be preference data. Go on with the "
    "tools."
)
_PREFERENCE = (
    "This is preference data (chosen and rejected answers). Supervised fine-tuning learns from "
    "one answer a question: give a dataset in the alpaca, sharegpt, messages or "
    "prompt-completion format."
)


def _answer(imported: ImportReport, repaired: Repairs, split: SplitReport) -> DataDecision:
    repairs = []
    if imported.problem_count:
        repairs.append(f"{counted(imported.problem_count, 'row')} could not be read")
    for one in repaired.repairs:
        repairs += _told(one)
    found = f"{counted(imported.rows_read, 'row')} in the {imported.format} format."
    parts = (
        f"{counted(split.train_rows, 'row')} to train on, {split.validation_rows} to watch the "
        f"loss, {split.heldout_rows} held out; what belongs together stands on one side."
    )
    return DataDecision(
        verdict="fit after repairs" if repairs else "fit",
        train=split.train,
        validation=split.validation,
        heldout=split.heldout,
        reasons=" ".join([found, *([f"Repairs: {', '.join(repairs)}."] if repairs else []), parts]),
    )


def _unread(imported: ImportReport | None) -> str:
    if imported is None or not imported.problems:
        return ""
    first = imported.problems[0]
    rows = counted(imported.problem_count, "row")
    return f" {rows} could not be read; the first is line {first.row}: {first.problem}."


def _told(made: Repaired) -> Iterator[str]:
    left_out = made.rows_read - made.rows_kept
    if made.kind == "remove_invalid":
        removed = made.report.get("removed")
        for code, rows in removed.items() if isinstance(removed, dict) else ():
            yield f"{rows} removed for {code.replace('_', ' ')}"
    elif made.kind == "deduplicate":
        yield f"{counted(left_out, 'exact repeat')} removed"
    elif made.kind == "redact":
        yield f"private values taken out of {counted(made.rows_changed + left_out, 'row')}"
    elif made.kind == "clean":
        yield f"{counted(made.rows_changed, 'row')} cleaned"
    else:
        yield f"{counted(left_out, 'row')} left out by {made.kind.replace('_', ' ')}"


def _problem(answer: DataDecision, desk: Desk) -> str | None:
    """Return how the answer contradicts the tools, if it does."""
    if answer.verdict == "not fit":
        found = desk.last(AuditSummary)
        known = found is not None and (found.preference or bool(found.open_questions))
        return None if known or desk.refused else _NOT_REFUSED
    split = desk.last(SplitReport)
    if split is None:
        return "The data cannot be fit before split_for_training has been called."
    named = (answer.train, answer.validation, answer.heldout)
    made = (split.train, split.validation, split.heldout)
    return None if named == made else f"The split made the datasets {made}, not {named}."

"""The Data Manager: is the data fit to train on?"""

import os.path
from pathlib import Path

from pydantic import BaseModel

from agents.answers import DataDecision
from agents.desk import Desk
from agents.job import FineTuneJob
from agents.rule_llm import Request, Seen
from agents.run_agent import Assignment, run_agent
from tools.data.deduplicate import DeduplicateReport, deduplicate
from tools.data.enough_rows import MINIMUM_PROMPTS
from tools.data.import_dataset import ImportReport, import_dataset
from tools.data.profile_dataset import ProfileReport, profile
from tools.data.read_rows import SUFFIXES
from tools.data.split_dataset import SplitReport, split_dataset
from tools.data.validate_dataset import (
    RemoveReport,
    ValidationReport,
    remove_invalid,
    validate,
)
from tools.errors import DatasetError
from tools.hub.fetch_dataset import HubDataset


def judge_data(desk: Desk) -> DataDecision:
    """Let the Data Manager import, check, repair and split the data of the job."""
    return run_agent(
        Assignment(
            name="data_manager",
            step=1,
            tools=(
                import_user_dataset,
                profile_dataset,
                validate_dataset,
                remove_invalid_rows,
                deduplicate_dataset,
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
        or path.suffix.lower() in SUFFIXES
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


def profile_dataset(desk: Desk, dataset: str) -> ProfileReport:
    """Count the rows, turns, lengths and distinct answers of a dataset."""
    return profile(desk.dataset(dataset))


def validate_dataset(desk: Desk, dataset: str) -> ValidationReport:
    """Find the faulty rows of a dataset: empty answers, wrong roles, e-mail addresses ..."""
    return validate(desk.dataset(dataset))


def remove_invalid_rows(desk: Desk, dataset: str) -> RemoveReport:
    """Copy a dataset without the rows that validation found errors in."""
    report = remove_invalid(desk.dataset(dataset), desk.studio.workspace.datasets)
    desk.admit(report.dataset)
    return report


def deduplicate_dataset(desk: Desk, dataset: str) -> DeduplicateReport:
    """Copy a dataset without its exact repeats. The first of the repeated rows stays."""
    report = deduplicate(desk.dataset(dataset), desk.studio.workspace.datasets)
    desk.admit(report.dataset)
    return report


def split_for_training(desk: Desk, dataset: str) -> SplitReport:
    """Split a clean dataset into rows to train on, to watch the loss on, and held-out rows.

    Equal prompts go to one side. Faulty rows must have been removed before.
    """
    source, workspace = desk.dataset(dataset), desk.studio.workspace
    checked = validate(source)
    if checked.rows_usable < checked.rows_checked:
        faulty = checked.rows_checked - checked.rows_usable
        raise DatasetError(f"{faulty} rows are faulty. Call remove_invalid_rows first.")
    report = split_dataset(source, workspace.datasets)
    if report.heldout_prompts < MINIMUM_PROMPTS:
        desk.studio.progress.log(
            f"  Of {report.prompts} prompts, {report.heldout_prompts} are held out. A proof takes "
            f"{MINIMUM_PROMPTS}, so the verdict cannot be 'better': add rows."
        )
    desk.admit(report.train, report.validation, report.heldout)
    return report


def _decide(seen: Seen) -> Request | BaseModel:
    """Import and look; refuse what a tool refuses and what cannot be trained on; else repair."""
    if seen.refusal is not None:
        return DataDecision(verdict="not fit", reasons=seen.refusal[:2000])
    imported = seen.report("import_user_dataset", ImportReport)
    if imported is None:
        return Request("import_user_dataset", {})
    profiled = seen.report("profile_dataset", ProfileReport)
    if profiled is None:
        return Request("profile_dataset", {"dataset": imported.dataset})
    if profiled.preference:
        return DataDecision(verdict="not fit", reasons=_PREFERENCE)
    return _repair(seen, imported)


def _repair(seen: Seen, imported: ImportReport) -> Request | BaseModel:
    """Remove what is faulty, drop repeats, split, and say what was done."""
    checked = seen.report("validate_dataset", ValidationReport)
    if checked is None:
        return Request("validate_dataset", {"dataset": imported.dataset})
    removed = seen.report("remove_invalid_rows", RemoveReport)
    if removed is None and checked.rows_usable < checked.rows_checked:
        return Request("remove_invalid_rows", {"dataset": imported.dataset})
    clean = removed.dataset if removed else imported.dataset
    single = seen.report("deduplicate_dataset", DeduplicateReport)
    if single is None:
        return Request("deduplicate_dataset", {"dataset": clean})
    split = seen.report("split_for_training", SplitReport)
    if split is None:
        return Request("split_for_training", {"dataset": single.dataset})
    return _answer(imported, removed, single, split)


_NOT_REFUSED = (
    "No tool has refused the dataset, and it is not known to be preference data. Go on with the "
    "tools."
)
_PREFERENCE = (
    "This is preference data (chosen and rejected answers). Supervised fine-tuning learns from "
    "one answer a question: give a dataset in the alpaca, sharegpt, messages or "
    "prompt-completion format."
)


def _answer(
    imported: ImportReport,
    removed: RemoveReport | None,
    single: DeduplicateReport,
    split: SplitReport,
) -> DataDecision:
    repairs = []
    if imported.problem_count:
        repairs.append(f"{imported.problem_count} rows could not be read")
    for code, rows in (removed.removed if removed else {}).items():
        repairs.append(f"{rows} removed for {code.replace('_', ' ')}")
    if single.rows_read > single.rows_kept:
        repairs.append(f"{single.rows_read - single.rows_kept} exact repeats removed")
    found = f"{imported.rows_read} rows in the {imported.format} format."
    parts = (
        f"{split.train_rows} rows to train on, {split.validation_rows} to watch the loss, "
        f"{split.heldout_rows} held out; equal prompts stand on one side."
    )
    return DataDecision(
        verdict="fit after repairs" if repairs else "fit",
        train=split.train,
        validation=split.validation,
        heldout=split.heldout,
        reasons=" ".join([found, *([f"Repairs: {', '.join(repairs)}."] if repairs else []), parts]),
    )


def _problem(answer: DataDecision, desk: Desk) -> str | None:
    """Return how the answer contradicts the tools, if it does."""
    if answer.verdict == "not fit":
        profiled = desk.last(ProfileReport)
        preference = profiled is not None and profiled.preference
        return None if preference or desk.refused else _NOT_REFUSED
    split = desk.last(SplitReport)
    if split is None:
        return "The data cannot be fit before split_for_training has been called."
    named = (answer.train, answer.validation, answer.heldout)
    made = (split.train, split.validation, split.heldout)
    return None if named == made else f"The split made the datasets {made}, not {named}."

"""What is written to MLflow about a run, in one place: its name, tags, dataset and artifacts."""

from pathlib import Path

from agents.desk import BaseModelName, Desk
from tools.data.conversation import label_of
from tools.data.import_dataset import ImportReport
from tools.data.split_dataset import SplitReport
from tools.evaluation.evaluate_adapter import CompareReport
from tools.files import sha256_of
from tools.tracking.mlflow_run import DatasetInput, RunDescription
from tools.tracking.registry import MODEL_TAG, model_name_for
from tools.training.recipe import Recipe
from tools.training.train_report import TrainReport

MADE = ("adapter", "recipe.yaml", "answers.jsonl")  # by the time a run is recorded
CONCLUDED = ("receipts", "dataset_card.md", "verdict.json", "report.html")


def model_name(desk: Desk) -> str:
    """Return the registered model's name: one for each base model and dataset."""
    imported = desk.need(ImportReport, "import_user_dataset")
    base = base_of(desk)
    label = label_of(Path(imported.dataset))
    return model_name_for(
        base.name,
        base_sha256=base.sha256,
        dataset_label=label,
        dataset_source=imported.source_key,
    )


def base_of(desk: Desk) -> BaseModelName:
    """Return the base model's name and hash."""
    return desk.need(BaseModelName, "begin")


def describe_run(desk: Desk) -> RunDescription:
    """Return what the MLflow run says of itself: its name, settings, tags and dataset."""
    recipe = desk.need(Recipe, "train_adapter")
    return RunDescription(
        name=desk.folder.name,
        params=recipe.model_dump(mode="json"),
        tags=_run_tags(desk),
        dataset=_dataset_input(desk),
    )


def _run_tags(desk: Desk) -> dict[str, str]:
    return {
        "crewtune.run": desk.folder.name,
        "crewtune.goal": desk.job.goal,
        "crewtune.base_model": base_of(desk).name,
        "crewtune.shuffled_labels": str(desk.job.shuffle_labels).lower(),
        MODEL_TAG: model_name(desk),
        **desk.studio.tags,
    }


def _dataset_input(desk: Desk) -> DatasetInput:
    split = desk.need(SplitReport, "split_for_training")
    return DatasetInput(
        name=split.train,
        sha256=sha256_of(desk.studio.workspace.dataset(split.train)),
        rows=split.train_rows,
        source=desk.need(ImportReport, "import_user_dataset").source,
    )


def final_metrics(desk: Desk) -> dict[str, float]:
    """Return the figures of the verdict as MLflow metrics."""
    report = desk.need(TrainReport, "train_adapter")
    metrics = {
        "train_seconds": report.seconds,
        "train_rows": report.train_rows,
        "train_rows_too_long": report.train_rows_too_long,
        "validation_loss": report.eval_loss,
    }
    for one in desk.need(CompareReport, "compare_with_base").against_base:
        metrics[f"base_{one.metric}"] = one.baseline
        metrics[f"tuned_{one.metric}"] = one.candidate
        metrics[f"difference_{one.metric}"] = one.difference
        metrics[f"difference_{one.metric}_low"] = one.low
        metrics[f"difference_{one.metric}_high"] = one.high
    return metrics


def artifacts(folder: Path, names: tuple[str, ...]) -> dict[str, Path]:
    """Return those of `names` that are in the run's folder, by artifact path."""
    return {name: folder / name for name in names if (folder / name).exists()}

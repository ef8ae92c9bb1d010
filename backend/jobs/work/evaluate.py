"""The job that proves a training: base against tuned on held-out rows, the gate, the registry.

It is what the crew's Evaluation Expert and MLflow Monitor do when nobody judges. The gate alone
moves the champion.
"""

import shutil
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import Engine

from backend.database import reading
from backend.jobs.place import Place
from backend.jobs.queries import find_owned
from backend.jobs.requests import EvaluateRequest, TrainRequest
from backend.jobs.work.train import describe_training
from backend.tables.job import Job, JobStatus
from tools.data.split_dataset import SplitReport
from tools.errors import EvaluationError, ModelError, TrackingError
from tools.evaluation.evaluate_adapter import CompareReport, answer_rows, compare_answers
from tools.evaluation.gate import GateDecision, decide
from tools.hub.resolve_model import ModelSource, model_hash
from tools.tracking.fetch_adapter import fetch_adapter
from tools.tracking.record_run import record_run
from tools.tracking.registry import (
    find_champion,
    model_name_for,
    move_champion,
    register_version,
)
from tools.training.check_adapter import check_adapter
from tools.training.load_model import load_model
from tools.training.probe_hardware import probe_hardware
from tools.training.recipe import Recipe
from tools.training.train_report import TrainReport

_CHAMPION = "champion"  # folder of the copy that is compared with
_RECORDED = ("adapter", "recipe.yaml", "answers.jsonl")
_CARD = "dataset_card.md"  # trainings of before it was kept have none


class _Trained:
    """What the training job left: its request, recipe, rows and adapter."""

    def __init__(self, place: Place, job: Job) -> None:
        result = job.result or {}
        self.ask = TrainRequest.model_validate(
            {name: job.payload[name] for name in TrainRequest.model_fields if name in job.payload}
        )
        self.recipe = Recipe.model_validate(result["recipe"])
        self.split = SplitReport.model_validate(result["split"])
        self.report = TrainReport.model_validate({**result["training"], "losses": ()})
        self.folder: Path = place.workspace.run(result["run"])
        self.source: ModelSource = place.model(self.ask.model)
        # Owners do not share a champion, for they do not share their data.
        self.model_name = model_name_for(
            self.source.shown,
            base_sha256=model_hash(self.source.folder),
            dataset_label=self.ask.dataset,
            dataset_source=f"{place.job.owner_id} {self.ask.dataset}",
        )


def _artifacts(folder: Path) -> dict[str, Path]:
    kept = (*_RECORDED, *((_CARD,) if (folder / _CARD).is_file() else ()))
    return {name: folder / name for name in kept}


def do_evaluate(place: Place, engine: Engine) -> dict[str, Any]:
    """Compare, decide, record, register; return the figures and the decision."""
    ask = EvaluateRequest.model_validate(place.asked)
    with reading(engine) as connection:
        job = find_owned(connection, place.job.owner_id, ask.training)
    if job is None or job.kind != "train" or job.status != JobStatus.SUCCEEDED:
        raise EvaluationError("There is no training of that id that succeeded.")
    trained = _Trained(place, job)
    champion = _fetch_champion(place, trained)
    compared = _compare(place, trained)
    gate = decide(
        against_base=compared.against_base,
        reading=compared.reading,
        against_champion=compared.against_champion,
        champion_version=champion,
        primary_metric=compared.primary_metric,
        adapter_sha256=trained.report.adapter_sha256,
    )
    return {
        "training": str(ask.training),
        "run": trained.folder.name,
        "compared": compared.model_dump(mode="json"),
        "gate": gate.model_dump(mode="json"),
        "registered": _register(place, trained, compared=compared, gate=gate),
    }


def _fetch_champion(place: Place, trained: _Trained) -> int | Literal["unknown"] | None:
    """Return the version of today's champion after fetching its adapter, or None.

    One that cannot be fetched, or MLflow that is away, costs the promotion and not the evaluation.
    """
    store, target = place.settings.tracking_store(), trained.folder / _CHAMPION
    shutil.rmtree(target, ignore_errors=True)  # of an evaluation that was stopped
    try:
        champion = find_champion(store, trained.model_name)
        if champion is None:
            return None
        fetch_adapter(store, trained.model_name, version=champion.version, target=target)
        check_adapter(_CHAMPION, target)
    except (TrackingError, ModelError) as error:
        place.progress.log(f"Today's champion is not known: {error}")
        shutil.rmtree(target, ignore_errors=True)
        return "unknown"
    return champion.version


def _compare(place: Place, trained: _Trained) -> CompareReport:
    adapters = {"tuned": trained.folder / "adapter"}
    if (trained.folder / _CHAMPION).is_dir():
        adapters[_CHAMPION] = trained.folder / _CHAMPION
    place.progress.log(f"Answering {trained.split.heldout_rows} held-out rows.")
    device = probe_hardware(trained.folder).device
    answered = answer_rows(
        load_model(
            trained.source,
            bf16=trained.recipe.bf16,
            device=device,
            chat_template=trained.recipe.chat_template,
        ),
        adapters,
        heldout=place.workspace.dataset(trained.split.heldout),
        folder=trained.folder,
        max_positions=trained.source.max_positions,
        thoughts=trained.recipe.thoughts,
        progress=place.progress,
    )
    shutil.rmtree(trained.folder / _CHAMPION, ignore_errors=True)
    return compare_answers(trained.folder, answered.primary_metric)


def _register(
    place: Place, trained: _Trained, *, compared: CompareReport, gate: GateDecision
) -> dict[str, Any]:
    """Record the run and register its adapter; the evaluation stands when MLflow is away."""
    store, run = place.settings.tracking_store(), trained.folder
    about = describe_training(
        place, run.name, recipe=trained.recipe, ask=trained.ask, split=trained.split
    )
    try:
        recorded = record_run(
            store, run, about=about, metrics=_figures(compared), artifacts=_artifacts(run)
        )
        version = register_version(
            store,
            model=trained.model_name,
            mlflow_run_id=recorded.mlflow_run_id,
            tags={"adapter_sha256": gate.adapter_sha256, "verdict": gate.verdict},
            challenger=gate.verdict == "better",
        )
        if gate.promote:
            move_champion(store, model=version.model, version=version.version, decision=gate)
    except TrackingError as error:
        place.progress.log(f"MLflow: {error} Evaluate again to register the model.")
        return {"problem": str(error)}
    return {
        "mlflow_run_id": recorded.mlflow_run_id,
        "model": version.model,
        "version": version.version,
        "champion": gate.promote,
    }


def _figures(compared: CompareReport) -> dict[str, float]:
    return {
        f"{side}_{one.metric}": value
        for one in compared.against_base
        for side, value in (("base", one.baseline), ("tuned", one.candidate))
    }

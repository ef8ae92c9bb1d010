"""The job that trains an adapter: clean and split the rows, choose the recipe, prove, train.

It is what the crew's Data Manager and Training Specialist do when nobody judges: the same tools in
the same order, with the recommended recipe and the changes that were asked for.

Not covered: whether the result is better than its base.
"""

from typing import Any

from sqlalchemy import Engine

from backend.jobs.place import OWNER_TAG, Place
from backend.jobs.requests import RecommendRequest, TrainRequest
from backend.jobs.work.repair import owned, policy_of
from backend.tables.dataset import Dataset
from tools.data.audit_dataset import AuditReport
from tools.data.dataset_card import dataset_card
from tools.data.make_fit import make_fit
from tools.data.split_dataset import SplitReport
from tools.data.version_record import history
from tools.files import sha256_of, write_text
from tools.hub.resolve_model import ModelSource
from tools.tracking.mlflow_run import DatasetInput, RunDescription
from tools.tracking.show_live import show_live
from tools.training.check_space import check_space, space_needed
from tools.training.estimate_memory import check_memory
from tools.training.probe_hardware import HardwareReport, probe_hardware
from tools.training.read_training_rows import likely_method, prove_rows
from tools.training.recipe import Recipe, check_recipe, choices, load_recipe, save_recipe
from tools.training.recommend import Recommendation, recommend
from tools.training.train import train

_RECIPE = "recipe.yaml"


def do_train(place: Place, engine: Engine) -> dict[str, Any]:
    """Train what was asked for, and return the report with the recipe and the rows."""
    ask = TrainRequest.model_validate(place.asked)
    source = place.model(ask.model)
    split = prepare_rows(place, engine, dataset_name=ask.dataset)
    hardware = probe_hardware(place.run)
    advice = advise(place, source, split=split, hardware=hardware, changes=ask.changes())
    recipe = _choose(place, ask, advice)
    check_space(place.run, space_needed(source, recipe))
    check_memory(source, recipe, free_gib=hardware.training_memory_gib)
    save_recipe(recipe, place.run / _RECIPE)
    _keep_card(place, owned(place, engine, ask.dataset))
    rows = (place.workspace.dataset(split.train), place.workspace.dataset(split.validation))
    about = describe_training(place, place.run.name, recipe=recipe, ask=ask, split=split)
    store = place.settings.tracking_store()
    with show_live(place.progress, store, place.run, about=about) as progress:
        report = train(recipe, source, rows, place.run, device=hardware.device, progress=progress)
    return {
        "run": place.run.name,
        "recipe": recipe.model_dump(mode="json"),
        "split": split.model_dump(mode="json"),
        "training": report.model_dump(mode="json", exclude={"losses"}),
    }


def do_recommend(place: Place, engine: Engine) -> dict[str, Any]:
    """Recommend a recipe, with a reason for each of its values, and what else they may be."""
    ask = RecommendRequest.model_validate(place.asked)
    source = place.model(ask.model)
    split = prepare_rows(place, engine, dataset_name=ask.dataset)
    hardware = probe_hardware(place.workspace.root)
    advice = advise(place, source, split=split, hardware=hardware)
    return {**advice.model_dump(mode="json"), "choices": choices()}


def _keep_card(place: Place, dataset: Dataset) -> None:
    """Put the card of the dataset beside what is made of it; MLflow gets it with the run."""
    if dataset.audit is not None:
        steps = history(place.workspace.datasets, dataset.version)
        card = dataset_card(AuditReport.model_validate(dataset.audit), steps)
        write_text(place.run / "dataset_card.md", card)


def prepare_rows(place: Place, engine: Engine, *, dataset_name: str) -> SplitReport:
    """Return the split of the dataset after the repairs that its policy asks for.

    Raises:
        DatasetError: There is no such dataset, or too little is left of it.
    """
    dataset = owned(place, engine, dataset_name)
    source = place.workspace.dataset(dataset.version)
    fit = make_fit(source, policy_of(place, engine, dataset), progress=place.progress)
    dropped = fit.rows_read - fit.rows_kept
    if dropped:
        place.progress.log(f"{dropped} of {fit.rows_read} rows are left out.")
    return fit.split


def advise(
    place: Place,
    source: ModelSource,
    *,
    split: SplitReport,
    hardware: HardwareReport,
    changes: dict[str, Any] | None = None,
) -> Recommendation:
    """Return the recipe to begin with, after the proof that every row teaches its answer.

    `changes` are fields of the recipe that were asked for: they say how rows become tokens.
    """
    rows = place.workspace.dataset(split.train)
    usual = {"model_name_or_path": source.shown, "method": likely_method(rows)}
    told = check_recipe({**usual, **(changes or {})})
    proof = prove_rows(rows, source, told)
    return recommend(
        source,
        hardware,
        rows=proof.rows,
        longest_tokens=proof.longest_tokens,
        median_tokens=proof.median_tokens,
        method=told.method,
        rewards=told.rewards,
        seed=place.asked.get("seed", 42),
    )


def _choose(place: Place, ask: TrainRequest, advice: Recommendation) -> Recipe:
    """Return the recipe: that of the attempt before, or what is recommended with the changes."""
    if (place.run / _RECIPE).is_file():
        return load_recipe(place.run / _RECIPE)
    return check_recipe({**advice.recipe.model_dump(), **ask.changes()})


def describe_training(
    place: Place, run: str, *, recipe: Recipe, ask: TrainRequest, split: SplitReport
) -> RunDescription:
    """Return what the MLflow run of the training `run` says of itself."""
    return RunDescription(
        name=run,
        params=recipe.model_dump(mode="json"),
        tags={
            "crewtune.run": run,
            OWNER_TAG: str(place.job.owner_id),
            "crewtune.base_model": recipe.model_name_or_path,
        },
        dataset=DatasetInput(
            name=split.train,
            sha256=sha256_of(place.workspace.dataset(split.train)),
            rows=split.train_rows,
            source=ask.dataset,
        ),
    )

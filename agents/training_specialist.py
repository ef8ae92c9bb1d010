"""The Training Specialist: which recipe, and did training go well?"""

import math
from pathlib import Path

from pydantic import BaseModel

from agents.answers import TrainingDecision
from agents.desk import NOT_REFUSED, Desk
from agents.record import describe_run
from agents.rule_llm import Request, Seen
from agents.run_agent import Assignment, run_agent
from tools.counted import counted
from tools.data.split_dataset import SplitReport
from tools.errors import TrainingError
from tools.hub.resolve_model import ModelSource
from tools.tracking.metrics_file import forget_metrics
from tools.tracking.show_live import show_live
from tools.training.check_space import check_space, space_needed
from tools.training.estimate_memory import check_memory
from tools.training.probe_hardware import HardwareReport, probe_hardware
from tools.training.prove_masks import MaskProof
from tools.training.read_training_rows import likely_method, prove_rows
from tools.training.recipe import Recipe, check_recipe, load_recipe, save_recipe
from tools.training.recommend import Recommendation, recommend
from tools.training.train import train
from tools.training.train_report import TrainReport, has_results

_RECIPE = "recipe.yaml"  # which a person may change between two attempts
_BEGUN = ".recipe.yaml"  # as it was when the training began


def train_model(desk: Desk, source: ModelSource) -> TrainingDecision:
    """Let the Training Specialist choose a recipe and train an adapter for `source`."""
    desk.keep(source)
    return run_agent(
        Assignment(
            name="training_specialist",
            step=2,
            tools=(probe_machine, prove_training_masks, recommend_recipe, train_adapter),
            answer=TrainingDecision,
            rules=_decide,
            check=_problem,
        ),
        desk,
    )


def probe_machine(desk: Desk) -> HardwareReport:
    """Look at this machine: processors, memory, GPUs, bfloat16, disk."""
    return probe_hardware(desk.folder)


def prove_training_masks(desk: Desk) -> MaskProof:
    """Prove that every training row has its answer, and its end, in the loss."""
    source, split = desk.need(ModelSource, "begin"), desk.need(SplitReport, "split_for_training")
    rows, path = desk.studio.workspace.dataset(split.train), desk.folder / _RECIPE
    usual = Recipe(model_name_or_path=source.shown, method=likely_method(rows))
    return prove_rows(rows, source, load_recipe(path) if path.is_file() else usual)


def recommend_recipe(desk: Desk) -> Recommendation:
    """Recommend a recipe for this model, machine and dataset, with a reason a value."""
    proof = desk.need(MaskProof, "prove_training_masks")
    split = desk.need(SplitReport, "split_for_training")
    return recommend(
        desk.need(ModelSource, "begin"),
        desk.need(HardwareReport, "probe_machine"),
        rows=proof.rows,
        longest_tokens=proof.longest_tokens,
        median_tokens=proof.median_tokens,
        method=likely_method(desk.studio.workspace.dataset(split.train)),
        seed=desk.job.seed,
    )


def train_adapter(
    desk: Desk,
    learning_rate: float | None = None,
    num_train_epochs: int | None = None,
    r: int | None = None,
    lora_alpha: int | None = None,
) -> TrainReport:
    """Train with the recommended recipe. Give a value only to depart from it.

    From its first checkpoint on a run keeps to the recipe it began with.
    """
    advice = desk.need(Recommendation, "recommend_recipe")
    chosen = {
        "learning_rate": learning_rate,
        "num_train_epochs": num_train_epochs,
        "r": r,
        "lora_alpha": lora_alpha,
    }
    departures = {name: value for name, value in chosen.items() if value is not None}
    recipe = _recipe(desk, advice.recipe, departures)
    source = desk.need(ModelSource, "begin")
    check_memory(source, recipe, free_gib=advice.available_memory_gib)
    check_space(desk.folder, space_needed(source, recipe))
    return _train(desk, source, recipe)


def _recipe(desk: Desk, advised: Recipe, departures: dict[str, float]) -> Recipe:
    """Return the recipe to train with: the run's own where it has one, with the departures."""
    path = desk.folder / _RECIPE
    own = load_recipe(path) if path.is_file() else advised
    recipe = check_recipe({**own.model_dump(), **departures})
    if recipe != own and has_results(desk.folder):
        desk.studio.progress.log("The run keeps to its recipe: its checkpoints fit no other.")
        return own
    return recipe


def _train(desk: Desk, source: ModelSource, recipe: Recipe) -> TrainReport:
    _begin_with(recipe, desk.folder)
    desk.keep(recipe)
    split, workspace = desk.need(SplitReport, "split_for_training"), desk.studio.workspace
    device = desk.need(HardwareReport, "probe_machine").device
    rows = (workspace.dataset(split.train), workspace.dataset(split.validation))
    try:
        about = describe_run(desk)
        with show_live(
            desk.studio.progress, desk.studio.store, desk.folder, about=about
        ) as progress:
            return train(recipe, source, rows, desk.folder, device=device, progress=progress)
    except TrainingError as error:
        raise TrainingError(
            f"{error} To train with other settings, change them in runs/{desk.folder.name}/"
            f"{_RECIPE} of the workspace, then go on with the run."
        ) from error


def _begin_with(recipe: Recipe, folder: Path) -> None:
    """Make `recipe` that of the run, and leave behind the losses of another it may have had."""
    begun = folder / _BEGUN
    if begun.is_file() and load_recipe(begun) != recipe:
        forget_metrics(folder)
    save_recipe(recipe, begun)
    save_recipe(recipe, folder / _RECIPE)


def _decide(seen: Seen) -> Request | BaseModel:
    """Look at the machine, prove the masks, take the recommendation, train, read the losses."""
    if seen.refusal is not None:
        return TrainingDecision(verdict="failed", reasons=seen.refusal[:2000])
    for tool, kind in (
        ("probe_machine", HardwareReport),
        ("prove_training_masks", MaskProof),
        ("recommend_recipe", Recommendation),
        ("train_adapter", TrainReport),
    ):
        if seen.report(tool, kind) is None:
            return Request(tool, {})
    report = seen.report("train_adapter", TrainReport)
    return _answer(report) if report else Request("train_adapter", {})


def _answer(report: TrainReport) -> TrainingDecision:
    fell = report.first_eval_loss - report.eval_loss
    went = "fell" if fell > 0 else "did not fall"
    gap = report.eval_loss - report.train_loss
    notes = [
        f"{counted(report.steps, 'step')} in {report.seconds:.0f} s at a learning rate of "
        f"{report.learning_rate:g}.",
        f"The loss on rows it did not train on {went}, from {report.first_eval_loss:.3f} to "
        f"{report.eval_loss:.3f}.",
    ]
    if math.isfinite(gap) and gap > max(0.5, report.train_loss):
        notes.append(
            f"It is {gap:.2f} above the training loss: the model begins to learn rows by heart."
        )
    return TrainingDecision(
        verdict="trained", adapter_sha256=report.adapter_sha256, reasons=" ".join(notes)
    )


def _problem(answer: TrainingDecision, desk: Desk) -> str | None:
    """Return how the answer contradicts the tools, if it does."""
    report = desk.last(TrainReport)
    if answer.verdict == "failed":
        if report is not None:
            return "train_adapter ended well; say what it reported."
        return None if desk.refused else NOT_REFUSED
    if report is None:
        return "Nothing is trained before train_adapter has been called."
    if answer.adapter_sha256 != report.adapter_sha256:
        return f"train_adapter reported adapter_sha256 {report.adapter_sha256}."
    return None

"""The Training Specialist: which recipe, and did training go well?"""

import math

from pydantic import BaseModel

from agents.answers import TrainingDecision
from agents.desk import Desk
from agents.live_progress import watched
from agents.rule_llm import Request, Seen
from agents.run_agent import Assignment, run_agent
from tools.data.conversation import read_conversations
from tools.data.split_dataset import SplitReport
from tools.errors import RecipeError
from tools.hub.resolve_model import ModelSource
from tools.training.check_space import check_space, space_needed
from tools.training.encode import encode
from tools.training.estimate_memory import estimate_memory
from tools.training.load_model import load_tokenizer
from tools.training.probe_hardware import HardwareReport, probe_hardware
from tools.training.prove_masks import MaskProof, prove_masks
from tools.training.recipe import Recipe, check_recipe, load_recipe, save_recipe
from tools.training.recommend import Recommendation, recommend
from tools.training.train_lora import TrainReport, train_lora

_RECIPE = "recipe.yaml"


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
    tokenizer = load_tokenizer(source)
    conversations = read_conversations(desk.studio.workspace.dataset(split.train))
    rows = encode(conversations, tokenizer)
    return prove_masks(rows, tokenizer, max_length=source.max_positions or 131072)


def recommend_recipe(desk: Desk) -> Recommendation:
    """Recommend a recipe for this model, machine and dataset, with a reason a value."""
    proof = desk.need(MaskProof, "prove_training_masks")
    return recommend(
        desk.need(ModelSource, "begin"),
        desk.need(HardwareReport, "probe_machine"),
        rows=proof.rows,
        longest_tokens=proof.longest_tokens,
        median_tokens=proof.median_tokens,
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

    A run trains once: called again, it goes on with the recipe it began with.
    """
    advice = desk.need(Recommendation, "recommend_recipe")
    chosen = {
        "learning_rate": learning_rate,
        "num_train_epochs": num_train_epochs,
        "r": r,
        "lora_alpha": lora_alpha,
    }
    wanted = {name: value for name, value in chosen.items() if value is not None}
    recipe = _begun(desk) or check_recipe({**advice.recipe.model_dump(), **wanted})
    needed = estimate_memory(desk.need(ModelSource, "begin"), recipe).total_gib
    if needed > advice.available_memory_gib:
        raise RecipeError(
            f"The training needs about {needed:.1f} GiB of memory and "
            f"{advice.available_memory_gib:.1f} GiB are free. Choose a smaller model."
        )
    return _train(desk, recipe)


def _begun(desk: Desk) -> Recipe | None:
    """Return the recipe this run began to train with, if it has: its checkpoints fit no other."""
    path = desk.folder / _RECIPE
    return load_recipe(path) if path.is_file() else None


def _train(desk: Desk, recipe: Recipe) -> TrainReport:
    source, split = desk.need(ModelSource, "begin"), desk.need(SplitReport, "split_for_training")
    check_space(desk.folder, space_needed(source, recipe))
    save_recipe(recipe, desk.folder / _RECIPE)
    desk.keep(recipe)
    desk.studio.progress.log(
        f"Training {source.name} on {split.train_rows} rows for {recipe.num_train_epochs} epochs."
    )
    device = desk.need(HardwareReport, "probe_machine").device
    workspace = desk.studio.workspace
    rows = (workspace.dataset(split.train), workspace.dataset(split.validation))
    with watched(desk) as progress:
        return train_lora(recipe, source, rows, desk.folder, device=device, progress=progress)


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
    advice = seen.report("recommend_recipe", Recommendation)
    return _answer(report, advice) if report and advice else Request("train_adapter", {})


def _answer(report: TrainReport, advice: Recommendation) -> TrainingDecision:
    fell = report.first_eval_loss - report.eval_loss
    went = "fell" if fell > 0 else "did not fall"
    gap = report.eval_loss - report.train_loss
    notes = [
        f"{report.steps} steps in {report.seconds:.0f} s at a learning rate of "
        f"{advice.recipe.learning_rate:g}.",
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
        return None if report is None else "train_adapter ended well; say what it reported."
    if report is None:
        return "Nothing is trained before train_adapter has been called."
    if answer.adapter_sha256 != report.adapter_sha256:
        return f"train_adapter reported adapter_sha256 {report.adapter_sha256}."
    return None

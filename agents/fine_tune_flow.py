"""The order in which the crew works: data, training, evaluation, record, verdict.

A CrewAI `Flow` whose state is saved after every step. CrewAI runs every step again when a flow is
resumed, so a step returns at once when its result is in the state.
"""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from crewai.flow.flow import Flow, listen, start
from crewai.flow.persistence import persist
from pydantic import BaseModel, PrivateAttr

from agents.answers import DataDecision, EvaluationDecision, RecordDecision, TrainingDecision
from agents.conclude import conclude
from agents.data_manager import judge_data, source_of
from agents.desk import BaseModelName, Desk, ToolFault
from agents.evaluation_expert import ChampionReport, judge_model, todays_champion
from agents.job import FineTuneJob, Studio
from agents.mlflow_monitor import PromotionReport, keep_record
from agents.run_state import (
    DataStep,
    EvaluationStep,
    RecordStep,
    RunState,
    StateFile,
    TrainingStep,
    check_adapter_kept,
    load_state,
)
from agents.training_specialist import train_model
from tools.counted import counted
from tools.data.import_dataset import ImportReport
from tools.data.shuffle_labels import shuffle_labels
from tools.data.split_dataset import SplitReport
from tools.errors import (
    DatasetError,
    EvaluationError,
    ModelError,
    ToolError,
    TrackingError,
    TrainingError,
)
from tools.evaluation.evaluate_adapter import AnswerReport, CompareReport
from tools.evaluation.gate import GateDecision
from tools.evaluation.verdict import Verdict
from tools.hub.resolve_model import ModelSource, model_hash, resolve_model
from tools.tracking.record_run import RecordReport
from tools.tracking.registry import VersionReport
from tools.training.check_space import check_space
from tools.training.probe_hardware import HardwareReport
from tools.training.recipe import Recipe
from tools.training.train_report import TrainReport

_Decision = TypeVar("_Decision", DataDecision, TrainingDecision, EvaluationDecision, RecordDecision)
_LEAST_BYTES = 50_000_000  # of a run that trains the smallest of models


def begin(studio: Studio, job: FineTuneJob, folder: Path | None = None) -> str:
    """Check what is asked for, make the run's folder, and return the run's id.

    Args:
        studio: What to work with.
        job: What is asked for.
        folder: An empty folder for the run among the workspace's runs; made when left out.

    Raises:
        DatasetError: The dataset is neither a path nor shaped like a Hub id.
        ModelError: The base model does not exist, cannot be reached, or may not be loaded.
        WorkspaceError: The workspace cannot be written, or its disk is full.
    """
    source_of(job)
    check_space(studio.workspace.root, _LEAST_BYTES)
    source = resolve_base(studio, job)
    folder = folder or studio.workspace.new_run()
    state = RunState(
        id=folder.name,
        job=job,
        base_name=source.shown,
        base_sha256=model_hash(source.folder),
    )
    StateFile(folder=folder).save_state(state.id, "", state)
    return folder.name


def go_on(studio: Studio, run_id: str) -> Verdict:
    """Do the steps of the run that have not ended yet, and return its verdict.

    Raises:
        WorkspaceError: There is no such run, or its state or its adapter is damaged.
        ToolError: The data cannot be used, or training or evaluation failed.
        Cancelled: It was asked to stop; called again, it goes on from there.
    """
    flow = FineTuneFlow(studio, studio.workspace.run(run_id))
    try:
        flow.kickoff()
    except ToolFault as fault:
        raise fault.__cause__ or fault from None
    if flow.verdict is None:
        raise RuntimeError("The flow ended without a verdict.")
    return flow.verdict


def resolve_base(studio: Studio, job: FineTuneJob) -> ModelSource:
    """Return the job's base model.

    Raises:
        ModelError: It does not exist, cannot be reached, or may not be loaded.
    """
    token = studio.hub_token
    return resolve_model(
        job.model,
        workspace=studio.workspace,
        token=token.get_secret_value() if token else None,
        endpoint=studio.hub_endpoint,
        progress=studio.progress,
    )


@persist()
class FineTuneFlow(Flow[RunState]):
    """The crew at work on one run."""

    _studio: Studio = PrivateAttr()
    _folder: Path = PrivateAttr()
    _job: FineTuneJob = PrivateAttr()
    _base: ModelSource | None = PrivateAttr(default=None)
    _record_problem: str | None = PrivateAttr(default=None)
    _verdict: Verdict | None = PrivateAttr(default=None)

    def __init__(self, studio: Studio, folder: Path) -> None:
        state = load_state(folder)
        super().__init__(
            initial_state=state,
            persistence=StateFile(folder=folder),
            suppress_flow_events=True,
            tracing=False,
        )
        self._studio, self._folder, self._job = studio, folder, state.job

    @property
    def verdict(self) -> Verdict | None:
        """The verdict, once the flow has ended."""
        return self._verdict

    @start()
    def prepare_data(self) -> None:
        """Let the Data Manager make the dataset fit to train on."""
        if self.state.data is not None:
            return
        desk = self._desk()
        question = "Data Manager: is the data fit to train on?"
        decision = self._heard(question, lambda: judge_data(desk), refusal=DatasetError)
        split = desk.need(SplitReport, "split_for_training")
        self.state.data = DataStep(
            decision=decision,
            imported=desk.need(ImportReport, "import_user_dataset"),
            split=self._shuffled(split) if self._job.shuffle_labels else split,
            seconds=desk.seconds,
        )

    @listen(prepare_data)
    def train(self) -> None:
        """Let the Training Specialist train an adapter."""
        if self.state.training is not None:
            if self.state.record is None:  # from then on MLflow has it
                check_adapter_kept(self._folder, self.state.training.training)
            return
        desk = self._desk()
        question = "Training Specialist: which recipe, and did training go well?"
        decision = self._heard(
            question, lambda: train_model(desk, self._source()), refusal=TrainingError
        )
        self.state.training = TrainingStep(
            decision=decision,
            hardware=desk.need(HardwareReport, "probe_machine"),
            recipe=desk.need(Recipe, "train_adapter"),
            training=desk.need(TrainReport, "train_adapter"),
            seconds=desk.seconds,
        )

    @listen(train)
    def evaluate(self) -> None:
        """Let the Evaluation Expert compare the tuned model with its base.

        Done again when there is another champion by now than the one it was compared with.
        """
        if self.state.evaluation is not None and not self._champion_moved(self.state.evaluation):
            return
        self.state.evaluation = None
        desk = self._desk()
        question = "Evaluation Expert: is it better than the base?"
        decision = self._heard(
            question, lambda: judge_model(desk, self._source()), refusal=EvaluationError
        )
        self.state.evaluation = EvaluationStep(
            decision=decision,
            champion=desk.need(ChampionReport, "find_todays_champion"),
            answers=desk.need(AnswerReport, "answer_heldout_rows"),
            compared=desk.need(CompareReport, "compare_with_base"),
            gate=desk.need(GateDecision, "ask_gate"),
            seconds=desk.seconds,
        )

    @listen(evaluate)
    def record(self) -> None:
        """Let the MLflow Monitor record the run. A dead server does not lose the verdict."""
        if self.state.record is not None:
            return
        desk = self._desk()
        question = "MLflow Monitor: what does the record say?"
        try:
            decision = self._heard(question, lambda: keep_record(desk), refusal=TrackingError)
        except TrackingError as error:
            self._record_problem = str(error)
            self._studio.progress.log(f"  failed. {error}")
            return
        self.state.record = RecordStep(
            decision=decision,
            recorded=desk.need(RecordReport, "record_this_run"),
            version=desk.need(VersionReport, "register_adapter"),
            promotion=desk.need(PromotionReport, "ask_promotion"),
            seconds=desk.seconds,
        )

    @listen(record)
    def pronounce(self) -> None:
        """Write the verdict and its report."""
        self._verdict = conclude(self._desk(), self.state, self._record_problem)

    def _heard(
        self, question: str, answer: Callable[[], _Decision], *, refusal: type[ToolError]
    ) -> _Decision:
        """Say which question is open, and return what an agent answers to it.

        Raises:
            ToolError: Of the kind `refusal`, with the agent's reasons: it cannot go on.
        """
        self._studio.progress.log(question)
        decision = answer()
        if decision.verdict in ("not fit", "failed"):
            raise refusal(decision.reasons)
        self._studio.progress.log(f"  {decision.verdict}. {decision.reasons}")
        return decision

    def _champion_moved(self, earlier: EvaluationStep) -> bool:
        """Return whether a run that is not yet recorded was compared with an old champion."""
        if self.state.record is not None:
            return False
        today = todays_champion(self._desk())
        return today.problem is None and today != earlier.champion

    def _source(self) -> ModelSource:
        if self._base is None:
            self._base = resolve_base(self._studio, self._job)
            if model_hash(self._base.folder) != self.state.base_sha256:
                raise ModelError(
                    f"The model {self._job.model!r} has changed since this run began, so it "
                    "cannot go on. Start a new run."
                )
        return self._base

    def _desk(self) -> Desk:
        """Return a desk with what the steps before have reported."""
        desk = Desk(self._studio, self._job, self._folder)
        desk.keep(BaseModelName(name=self.state.base_name, sha256=self.state.base_sha256))
        for step in (
            self.state.data,
            self.state.training,
            self.state.evaluation,
            self.state.record,
        ):
            for _, value in step or ():
                if isinstance(value, BaseModel):
                    desk.keep(value)
        return desk

    def _shuffled(self, split: SplitReport) -> SplitReport:
        """Return the split with the training answers dealt to other rows: the self-test."""
        workspace = self._studio.workspace
        report = shuffle_labels(
            workspace.dataset(split.train), workspace.datasets, seed=self._job.seed
        )
        dealt = counted(report.changed, "training answer")
        self._studio.progress.log(f"  Self-test: {dealt} dealt anew.")
        return split.model_copy(update={"train": report.dataset})

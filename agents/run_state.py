"""What a run knows after each step, kept in its folder so that a killed run can go on.

A step is in the state when it ended well; a run that is resumed begins at the first that is not.
"""

from pathlib import Path
from typing import Any

from crewai.flow.persistence.base import FlowPersistence
from pydantic import BaseModel, ConfigDict, ValidationError
from typing_extensions import override

from agents.answers import DataDecision, EvaluationDecision, RecordDecision, TrainingDecision
from agents.evaluation_expert import ChampionReport
from agents.job import FineTuneJob
from agents.mlflow_monitor import PromotionReport
from tools.data.import_dataset import ImportReport
from tools.data.split_dataset import SplitReport
from tools.errors import ModelError, WorkspaceError
from tools.evaluation.evaluate_adapter import AnswerReport, CompareReport
from tools.evaluation.gate import GateDecision
from tools.files import sha256_of, write_text
from tools.tracking.record_run import RecordReport
from tools.tracking.registry import VersionReport
from tools.training.check_adapter import ADAPTER_WEIGHTS, check_adapter
from tools.training.probe_hardware import HardwareReport
from tools.training.recipe import Recipe
from tools.training.train_report import TrainReport

_FILE = "state.json"


class _Step(BaseModel):
    model_config = ConfigDict(frozen=True)

    seconds: float


class DataStep(_Step):
    """What the Data Manager left."""

    decision: DataDecision
    imported: ImportReport
    split: SplitReport


class TrainingStep(_Step):
    """What the Training Specialist left."""

    decision: TrainingDecision
    hardware: HardwareReport
    recipe: Recipe
    training: TrainReport


class EvaluationStep(_Step):
    """What the Evaluation Expert left."""

    decision: EvaluationDecision
    champion: ChampionReport
    answers: AnswerReport
    compared: CompareReport
    gate: GateDecision


class RecordStep(_Step):
    """What the MLflow Monitor left."""

    decision: RecordDecision
    recorded: RecordReport
    version: VersionReport
    promotion: PromotionReport


class RunState(BaseModel):
    """One run of the crew."""

    id: str
    job: FineTuneJob
    base_name: str
    base_sha256: str
    data: DataStep | None = None
    training: TrainingStep | None = None
    evaluation: EvaluationStep | None = None
    record: RecordStep | None = None


class StateFile(FlowPersistence):
    """Keeps the state of a flow in `state.json` of the run's folder."""

    persistence_type: str = "StateFile"
    folder: Path

    @override
    def init_db(self) -> None:
        """Do nothing: the folder is there."""

    @override
    def save_state(
        self, flow_uuid: str, method_name: str, state_data: dict[str, Any] | BaseModel
    ) -> None:
        """Replace the file in one step, so that a kill leaves the state of the step before."""
        write_text(self.folder / _FILE, RunState.model_validate(state_data).model_dump_json())

    @override
    def load_state(self, flow_uuid: str) -> dict[str, Any] | None:
        """Return the state of the last step that ended well."""
        return load_state(self.folder).model_dump()


def load_state(folder: Path) -> RunState:
    """Return the state of the run in `folder`.

    Raises:
        WorkspaceError: There is none, or it is damaged.
    """
    try:
        return RunState.model_validate_json((folder / _FILE).read_text(encoding="utf-8"))
    except (OSError, ValidationError) as error:
        raise WorkspaceError(
            f"The run {folder.name!r} has no readable state and cannot go on. Start a new one."
        ) from error


def check_adapter_kept(folder: Path, training: TrainReport) -> None:
    """Check that the run in `folder` still has the adapter that it trained.

    Raises:
        WorkspaceError: The adapter is missing or damaged.
    """
    adapter = folder / "adapter"
    try:
        check_adapter("tuned", adapter)
        kept = sha256_of(adapter / ADAPTER_WEIGHTS) == training.adapter_sha256
    except (OSError, ModelError):
        kept = False
    if not kept:
        raise WorkspaceError(
            f"The trained adapter of the run {folder.name!r} is missing or damaged, so the run "
            "cannot go on. Start a new one with the same MODEL, DATASET and GOAL: make demo"
        )

"""Reports of the later tools without a model: a training that was none, the real gate on it."""

from tools.evaluation.compare import Comparison
from tools.evaluation.evaluate_adapter import CompareReport
from tools.evaluation.gate import GateDecision, decide
from tools.training.train_report import TrainReport

SHA256 = "3f" * 32


def trained(adapter_sha256: str = SHA256) -> TrainReport:
    """Return the report of a training that ended with these weights."""
    return TrainReport(
        adapter_sha256=adapter_sha256,
        learning_rate=5e-3,
        train_rows=128,
        train_rows_too_long=0,
        steps=8,
        train_loss=1.0,
        eval_loss=1.1,
        first_eval_loss=2.0,
        tokens_in_loss=100,
        seconds=1.0,
        resumed_from_step=None,
        losses=(),
    )


def compared(*, better: bool) -> CompareReport:
    """Return a comparison on forty rows that proves the tuned model better, or does not."""
    one = Comparison(
        metric="exact_match",
        higher_is_better=True,
        rows=40,
        prompts=40,
        baseline=0.1,
        candidate=0.4,
        difference=0.3,
        low=0.2 if better else -0.2,
        high=0.5,
    )
    return CompareReport(
        primary_metric="exact_match", against_base=(one,), reading=one, against_champion=None
    )


def decided(*, better: bool, adapter_sha256: str = SHA256) -> GateDecision:
    """Return the gate's real decision on that comparison, with no champion to beat."""
    report = compared(better=better)
    return decide(
        against_base=report.against_base,
        reading=report.reading,
        against_champion=None,
        champion_version=None,
        primary_metric=report.primary_metric,
        adapter_sha256=adapter_sha256,
    )

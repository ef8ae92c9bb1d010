"""Whole runs of the crew, and what they left."""

from agents.fine_tune_flow import begin, go_on
from agents.job import FineTuneJob, Studio
from agents.receipts import Receipt
from tools.evaluation.verdict import Verdict
from tools.tracking.registry import find_champion


def run(studio: Studio, job: FineTuneJob) -> Verdict:
    """Do a whole run."""
    return go_on(studio, begin(studio, job))


def champion_after(studio: Studio, verdict: Verdict) -> int | None:
    """Return today's champion of the model that the run registered."""
    champion = find_champion(studio.store, str(verdict.tracking.model))
    return champion.version if champion else None


def receipts_of(studio: Studio, verdict: Verdict) -> list[Receipt]:
    """Return the receipts that the verdict names."""
    folder = studio.workspace.run(verdict.run_id)
    return [
        Receipt.model_validate_json((folder / one.file).read_text(encoding="utf-8"))
        for one in verdict.receipts
    ]

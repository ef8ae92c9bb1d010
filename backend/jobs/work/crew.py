"""The job that lets the crew fine-tune a model and prove it."""

from typing import Any

from sqlalchemy import Engine

from agents.fine_tune_flow import begin, go_on
from agents.job import FineTuneJob, Studio
from agents.language_model import connect
from backend.jobs.place import OWNER_TAG, Place
from backend.jobs.requests import CrewRequest
from backend.jobs.work.repair import owned, policy_of


def do_crew(place: Place, engine: Engine) -> dict[str, Any]:
    """Begin the run, or go on with it when an attempt before this one began it."""
    ask = CrewRequest.model_validate(place.asked)
    studio = _studio(place)
    if not (place.run / "state.json").is_file():
        dataset = owned(place, engine, ask.dataset)
        place.model(ask.model)
        job = FineTuneJob(
            model=ask.model,
            dataset=str(place.workspace.dataset(dataset.version)),
            goal=ask.goal,
            shuffle_labels=ask.shuffle_labels,
            policy=policy_of(place, engine, dataset),
            seed=ask.seed,
        )
        begin(studio, job, place.run)
    verdict = go_on(studio, place.run.name)
    return {"run": place.run.name, "verdict": verdict.model_dump(mode="json")}


def _studio(place: Place) -> Studio:
    settings = place.settings
    llm = None
    if settings.llm_base_url and settings.llm_model:
        llm = connect(settings.llm_base_url, settings.llm_model, settings.llm_api_key)
    return Studio(
        workspace=place.workspace,
        store=settings.tracking_store(),
        progress=place.progress,
        llm=llm,
        hub_token=settings.hf_token,
        hub_endpoint=settings.hf_endpoint,
        tags={OWNER_TAG: str(place.job.owner_id)},
    )

"""What the machine is and how it does: for people, for probes and for Prometheus."""

import shutil
import socket
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Literal
from urllib.parse import urlsplit

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Engine, text
from sqlalchemy.exc import SQLAlchemyError

from backend.database import reading
from backend.deps import CurrentUser, EngineDep, SettingsDep
from backend.errors import Refusal
from backend.hardware import Hardware
from backend.jobs.dispatcher import Dispatcher
from backend.jobs.queries import counts
from backend.problems import problems
from backend.settings import Settings
from backend.tables.job import WAITING, JobStatus
from tools.training.probe_hardware import HardwareReport

router = APIRouter(tags=["system"])
probes = APIRouter(tags=["system"])

_LIBRARIES = ("torch", "transformers", "trl", "peft", "crewai", "mlflow", "fastapi")
_LEAST_FREE_GIB = 1.0
_GIB = 2**30
_OK = "ok"


class Disk(BaseModel):
    """Of the disk where the data is."""

    model_config = ConfigDict(frozen=True)

    total_gib: float
    free_gib: float


class QueueState(BaseModel):
    """How busy a queue is."""

    model_config = ConfigDict(frozen=True)

    slots: int
    running: int
    waiting: int


class MlflowState(BaseModel):
    """Where runs are recorded."""

    model_config = ConfigDict(frozen=True)

    url: str | None = Field(description="None: a database in the data folder, without a server.")
    reachable: bool


class SystemPublic(BaseModel):
    """The machine, as anybody who is signed in may know it."""

    model_config = ConfigDict(frozen=True)

    version: str | None = Field(description="Of CrewTune.")
    hardware: HardwareReport | None = Field(description="None: it is still being looked at.")
    libraries: dict[str, str]
    disk: Disk
    queues: dict[str, QueueState]
    mlflow: MlflowState
    language_model: str | None = Field(description="Who judges in the agents' place; None: rules.")


class Readiness(BaseModel):
    """Whether the studio can work, part by part."""

    model_config = ConfigDict(frozen=True)

    ready: Literal[True] = True
    parts: dict[str, str] = Field(description="`ok`, or what is wrong.")


@router.get("/system", summary="Show the machine", responses=problems(401, 403))
def show_system(
    request: Request, _user: CurrentUser, settings: SettingsDep, engine: EngineDep
) -> SystemPublic:
    """Hardware, library versions, disk, queues, and what the studio talks to."""
    hardware: Hardware = request.app.state.hardware
    return SystemPublic(
        version=_version("crewtune"),
        hardware=hardware.report,
        libraries={name: found for name in _LIBRARIES if (found := _version(name))},
        disk=_disk(settings),
        queues=_queues(engine, settings),
        mlflow=mlflow_state(settings),
        language_model=settings.llm_model,
    )


@probes.get("/ready", summary="Ask whether the studio can work", responses=problems(503))
def show_readiness(request: Request, settings: SettingsDep, engine: EngineDep) -> Readiness:
    """Database, disk, dispatcher, and MLflow, without which jobs still run."""
    dispatcher: Dispatcher = request.app.state.dispatcher
    parts = {
        "database": _database(engine),
        "disk": _OK if _disk(settings).free_gib >= _LEAST_FREE_GIB else "less than 1 GiB is free",
        "dispatcher": _OK if dispatcher.working else "it has not looked at the jobs lately",
    }
    missing = [f"{name}: {state}" for name, state in parts.items() if state != _OK]
    if missing:
        detail = f"The studio cannot work. {'; '.join(missing)}."
        raise Refusal(503, detail, code="not_ready", headers={"Retry-After": "5"})
    mlflow = _OK if mlflow_state(settings).reachable else "away; records are kept and sent later"
    return Readiness(parts={**parts, "mlflow": mlflow})


@probes.get(
    "/metrics",
    summary="Measure, for Prometheus",
    response_class=Response,
    responses={200: {"content": {"text/plain": {}}}, **problems(503)},
)
def show_metrics(request: Request, settings: SettingsDep, engine: EngineDep) -> Response:
    """Jobs by queue and status, open streams, free disk."""
    from prometheus_client import CollectorRegistry, Gauge, generate_latest
    from prometheus_client.exposition import CONTENT_TYPE_LATEST

    registry = CollectorRegistry()
    jobs = Gauge("crewtune_jobs", "Jobs there are.", ["queue", "status"], registry=registry)
    with reading(engine) as connection:
        for (queue, state), count in counts(connection).items():
            jobs.labels(queue, state).set(count)
    streams = Gauge("crewtune_event_streams", "Event streams that are open.", registry=registry)
    streams.set(request.app.state.feed.listeners)
    free = Gauge("crewtune_disk_free_bytes", "Free where the data is.", registry=registry)
    free.set(shutil.disk_usage(settings.data_dir).free)
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)


@cache  # it reads the disk, and what is installed stays while we run
def _version(library: str) -> str | None:
    try:
        return version(library)
    except PackageNotFoundError:
        return None


def _disk(settings: Settings) -> Disk:
    usage = shutil.disk_usage(settings.data_dir)
    return Disk(total_gib=round(usage.total / _GIB, 1), free_gib=round(usage.free / _GIB, 1))


def _queues(engine: Engine, settings: Settings) -> dict[str, QueueState]:
    with reading(engine) as connection:
        there = counts(connection)
    return {
        queue: QueueState(
            slots=slots,
            running=there.get((queue, JobStatus.RUNNING), 0),
            waiting=sum(there.get((queue, state), 0) for state in WAITING),
        )
        for queue, slots in settings.slots().items()
    }


def mlflow_state(settings: Settings) -> MlflowState:
    """Return where runs are recorded, and whether somebody listens there."""
    url = settings.mlflow_tracking_uri
    if url is None or not url.startswith("http"):
        return MlflowState(url=None, reachable=True)
    try:
        address = urlsplit(url)
        port = address.port or (443 if address.scheme == "https" else 80)
        socket.create_connection((address.hostname or "", port), timeout=1).close()
    except (OSError, ValueError):  # nobody there, or no address at all
        return MlflowState(url=settings.tracking_store().shown, reachable=False)
    return MlflowState(url=settings.tracking_store().shown, reachable=True)


def _database(engine: Engine) -> str:
    try:
        with reading(engine) as connection:
            connection.execute(text("SELECT 1"))
    except SQLAlchemyError:
        return "it cannot be read"
    return _OK

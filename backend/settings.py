"""The settings of CrewTune, from the environment and `.env`: the only reader of the environment.

Every setting is described in `.env.example`.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Self, TypeVar

from pydantic import BeforeValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from tools.errors import ToolError
from tools.tracking.store import TrackingStore

# Libraries that report to their makers unless told not to. Read when they are imported, so
# `quiet_libraries` comes first in every program. OTEL_SDK_DISABLED would end MLflow's traces too.
_QUIET = {
    "CREWAI_DISABLE_TELEMETRY": "true",
    "CREWAI_TRACING_ENABLED": "false",
    "CREWAI_DISABLE_VERSION_CHECK": "true",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "ANONYMIZED_TELEMETRY": "False",
    "DO_NOT_TRACK": "1",
    "TOKENIZERS_PARALLELISM": "false",
}


# torch's threads wait for each other by spinning: beside other busy processes a step of a small
# model took ten times as long. So many turns, then asleep, is what libgomp itself does when it has
# more threads than processors. Alone on two cores such a step takes a third longer for it
# (89 to 118 ms); asleep at once, OMP_WAIT_POLICY=PASSIVE, it took half as long again.
_POLITE = {"GOMP_SPINCOUNT": "1000"}


def quiet_libraries() -> None:
    """Turn off the telemetry of every library that has some, and let torch wait politely.

    Call before importing them.
    """
    os.environ.update({**_POLITE, **os.environ, **_QUIET})


def use_endpoint(settings: "Settings") -> None:
    """Point the Hub's libraries at the mirror that is set; they read it when imported."""
    if settings.hf_endpoint:
        os.environ["HF_ENDPOINT"] = settings.hf_endpoint
    else:
        os.environ.pop("HF_ENDPOINT", None)  # an empty one is to them an address, of nobody


def server_environment(**more: str) -> dict[str, str]:
    """Return the environment of a server that is started here."""
    return {**os.environ, **_QUIET, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", **more}


_Host = Annotated[str, Field(pattern=r"^(\*|(\*\.)?[^\s*/@]+)$")]


def _words(given: object) -> object:
    return tuple(given.replace(",", " ").split()) if isinstance(given, str) else given


class SettingsError(ToolError):
    """What was set, or given to a command, cannot be used."""


_Made = TypeVar("_Made")


def checked(make: Callable[[], _Made]) -> _Made:
    """Return what `make` makes of what the user gave.

    Raises:
        SettingsError: Some of it is wrong; all of it is named, and its value is not repeated.
    """
    try:
        return make()
    except ValidationError as error:
        problems = "; ".join(
            ": ".join((*map(str, one["loc"]), one["msg"])) for one in error.errors()
        )
        raise SettingsError(f"{problems}. See --help and .env.example.") from error


class Settings(BaseSettings):
    """What may be set from outside."""

    model_config = SettingsConfigDict(
        env_file=".env",
        env_file_encoding="utf-8",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
    )

    data_dir: Path = Field(default=Path("data"), alias="CREWTUNE_DATA_DIR")
    mlruns_dir: Path = Field(default=Path("mlruns"), alias="CREWTUNE_MLRUNS_DIR")
    database_url: str | None = Field(
        default=None, alias="DATABASE_URL", pattern=r"^(sqlite:///|postgresql(\+psycopg)?://)."
    )
    api_port: int = Field(default=8000, ge=1, le=65_535, alias="CREWTUNE_API_PORT")
    ui_port: int = Field(default=8501, ge=1, le=65_535, alias="CREWTUNE_UI_PORT")
    mlflow_port: int = Field(default=5000, ge=1, le=65_535, alias="CREWTUNE_MLFLOW_PORT")
    upload_mib: int = Field(default=200, ge=1, le=100_000, alias="CREWTUNE_UPLOAD_MIB")
    cpu_slots: int = Field(default=2, ge=1, le=64, alias="CREWTUNE_CPU_SLOTS")
    gpu_slots: int = Field(default=1, ge=1, le=64, alias="CREWTUNE_GPU_SLOTS")
    ready_minutes: int = Field(default=10, ge=0, le=1440, alias="CREWTUNE_READY_MINUTES")
    keep_days: int = Field(default=90, ge=1, le=36_500, alias="CREWTUNE_KEEP_DAYS")
    secret_key: SecretStr | None = Field(default=None, alias="CREWTUNE_SECRET_KEY")
    allowed_hosts: Annotated[tuple[_Host, ...], NoDecode, BeforeValidator(_words)] = Field(
        default=("localhost", "127.0.0.1", "[::1]"), alias="CREWTUNE_ALLOWED_HOSTS"
    )
    api_docs: bool = Field(default=False, alias="CREWTUNE_API_DOCS")
    mlflow_tracking_uri: str | None = Field(
        default=None, alias="MLFLOW_TRACKING_URI", pattern=r"^(sqlite:///|https?://)."
    )
    mlflow_experiment: str = Field(
        default="crewtune", alias="CREWTUNE_EXPERIMENT", min_length=1, max_length=200
    )
    llm_base_url: str | None = Field(default=None, alias="LLM_BASE_URL")
    llm_model: str | None = Field(default=None, alias="LLM_MODEL")
    llm_api_key: SecretStr | None = Field(default=None, alias="LLM_API_KEY")
    hf_token: SecretStr | None = Field(default=None, alias="HF_TOKEN")
    hf_endpoint: str | None = Field(
        default=None, alias="HF_ENDPOINT", pattern=r"^https?://[^\s@]+$"
    )

    @model_validator(mode="after")
    def _model_and_address_belong_together(self) -> Self:
        if bool(self.llm_base_url) != bool(self.llm_model):
            raise ValueError("LLM_BASE_URL and LLM_MODEL are set together or not at all")
        return self

    @property
    def studio_database_url(self) -> str:
        """Where users, jobs and records are kept."""
        if self.database_url is None:
            return f"sqlite:///{self.data_dir.resolve() / 'studio.db'}"
        return self.database_url.replace("postgresql://", "postgresql+psycopg://", 1)

    @property
    def upload_bytes(self) -> int:
        """How large an uploaded file may be."""
        return self.upload_mib << 20

    def slots(self) -> dict[str, int]:
        """Return how many jobs of each queue run at once."""
        return {"cpu": self.cpu_slots, "gpu": self.gpu_slots}

    def tracking_store(self) -> TrackingStore:
        """Return where runs are recorded: a server when one is set, else a database here."""
        if self.mlflow_tracking_uri:
            return TrackingStore(
                tracking_uri=self.mlflow_tracking_uri, experiment=self.mlflow_experiment
            )
        database = self.data_dir.resolve() / "mlflow.db"
        return TrackingStore(
            tracking_uri=f"sqlite:///{database}",
            experiment=self.mlflow_experiment,
            artifact_root=self.mlruns_dir.resolve(),
        )


# All that a job's process gets of our environment: never the secret that signs tokens.
_OF_THE_MACHINE = (
    "CUDA_VISIBLE_DEVICES",
    "GOMP_SPINCOUNT",
    "HF_HOME",
    "HF_HUB_CACHE",
    "HF_HUB_OFFLINE",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "REQUESTS_CA_BUNDLE",
    "SSL_CERT_FILE",
    "HOME",
    "LANG",
    "LD_LIBRARY_PATH",
    "OMP_NUM_THREADS",
    "OMP_WAIT_POLICY",
    "PATH",
    "TMPDIR",
    "TZ",
)
_OF_THE_STUDIO = (
    "data_dir",
    "mlruns_dir",
    "database_url",
    "mlflow_tracking_uri",
    "mlflow_experiment",
    "llm_base_url",
    "llm_model",
    "llm_api_key",
    "hf_token",
    "hf_endpoint",
)


def worker_environment(settings: Settings) -> dict[str, str]:
    """Return the environment of the processes that do the jobs of a studio."""
    kept = {name: os.environ[name] for name in _OF_THE_MACHINE if name in os.environ}
    told = {
        str(Settings.model_fields[name].alias): _plain(getattr(settings, name))
        for name in _OF_THE_STUDIO
    }
    return {**_POLITE, **kept, **told, **_QUIET, "PYTHONUNBUFFERED": "1"}


def _plain(value: Path | SecretStr | str | None) -> str:
    """Return the value as it is set; empty is unset."""
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    return str(value.resolve() if isinstance(value, Path) else value or "")

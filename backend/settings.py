"""The settings of CrewTune, from the environment and `.env`: the only reader of the environment.

Every setting is described in `.env.example`.
"""

import os
from pathlib import Path
from typing import Self

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

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


def quiet_libraries() -> None:
    """Turn off the telemetry of every library that has some. Call before importing them."""
    os.environ.update(_QUIET)


def use_endpoint(settings: "Settings") -> None:
    """Point the Hub's libraries at the mirror that is set; they read it when imported."""
    if settings.hf_endpoint:
        os.environ["HF_ENDPOINT"] = settings.hf_endpoint


def server_environment() -> dict[str, str]:
    """Return the environment of an MLflow server that is started here."""
    return {**os.environ, **_QUIET, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}


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
    mlflow_tracking_uri: str | None = Field(
        default=None, alias="MLFLOW_TRACKING_URI", pattern=r"^(sqlite:///|https?://)."
    )
    mlflow_experiment: str = Field(default="crewtune", alias="CREWTUNE_EXPERIMENT")
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

"""Versions of tuned models, and which of them is the champion.

A version is an adapter that a recorded run holds as an artifact. The newest one that is better than
its base has the alias `challenger`. The alias `champion` moves in one place, `move_champion`, and
only with a decision of the gate on exactly these weights and exactly today's champion.

Not covered: merged models, deleting versions. MLflow has no way to compare and set an alias in one
step: two promotions within the same few milliseconds can both pass the look at today's champion.
"""

import hashlib
import re
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict

from tools.errors import TrackingError
from tools.evaluation.gate import GateDecision
from tools.tracking.store import TrackingStore, plain_errors
from tools.workspace import slug

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

CHAMPION, CHALLENGER = "champion", "challenger"
HASH_TAG = "adapter_sha256"
MODEL_TAG = "crewtune.model"
_ARTIFACT = "adapter"  # where a recorded run holds it
_SHOWN_CHARACTERS = 40  # of a base and of a dataset in a name of at most 100


class VersionReport(BaseModel):
    """A registered version."""

    model_config = ConfigDict(frozen=True)

    model: str
    version: int
    aliases: tuple[str, ...]


class Champion(BaseModel):
    """The version to beat."""

    model_config = ConfigDict(frozen=True)

    version: int


class AliasReport(BaseModel):
    """What `move_champion` did."""

    model_config = ConfigDict(frozen=True)

    champion_version: int


def model_name_for(
    base_model: str, *, base_sha256: str, dataset_label: str, dataset_source: str
) -> str:
    """Return the name under which adapters of a base on a dataset are registered.

    Two hashes are part of it. An adapter fits one set of weights, so a champion of other weights
    could not be compared with; and two datasets that are called the same have nothing in common.

    Args:
        base_model: Name, folder or id of the base.
        base_sha256: Hash of its weights.
        dataset_label: What the dataset is called.
        dataset_source: Tells the dataset from others, and stays when its rows change.
    """
    base = slug(base_model.rstrip("/").rpartition("/")[2])[:_SHOWN_CHARACTERS].rstrip("-")
    label = slug(dataset_label)[:_SHOWN_CHARACTERS].rstrip("-")
    source = hashlib.sha256(dataset_source.encode()).hexdigest()[:8]
    return f"{base}-{base_sha256[:8]}-{label}-{source}"


def register_version(
    store: TrackingStore,
    *,
    model: str,
    mlflow_run_id: str,
    tags: dict[str, str],
    challenger: bool = True,
) -> VersionReport:
    """Register the adapter of a recorded run as a version of `model`.

    As a `challenger` it gets that alias, unless it is the champion or a newer one has it.

    A run is registered once: called again, the version that is there gets the tags.

    Raises:
        TrackingError: The run holds no adapter, or its version has other weights.
    """
    check_names(model, mlflow_run_id)
    with plain_errors("The version cannot be registered"):
        client = store.client()
        found = _version_of(client, model, mlflow_run_id)
        if found is None:
            found = _create_version(client, model, mlflow_run_id)
        elif found.tags.get(HASH_TAG, "") not in ("", tags.get(HASH_TAG, "")):
            raise TrackingError(
                f"Version {found.version} of {model!r} holds other weights. "
                "Record the new weights as a new run."
            )
        for key, value in tags.items():
            client.set_model_version_tag(model, found.version, key, value)
        client.set_tag(mlflow_run_id, MODEL_TAG, model)
        if challenger:
            _challenge(client, model, int(found.version))
        aliases = client.get_model_version(model, found.version).aliases
    return VersionReport(model=model, version=int(found.version), aliases=tuple(sorted(aliases)))


def find_champion(store: TrackingStore, model: str) -> Champion | None:
    """Return today's champion of `model`; None when there is none.

    Raises:
        TrackingError: The store cannot be reached.
    """
    check_names(model)
    with plain_errors("The champion cannot be looked up"):
        client = store.client()
        version = _aliases(client, model).get(CHAMPION)
    return None if version is None else Champion(version=version)


def move_champion(
    store: TrackingStore, *, model: str, version: int, decision: GateDecision
) -> AliasReport:
    """Make `version` the champion of `model`, if `decision` is about it and allows it.

    Called again after it has worked, it changes nothing.

    Raises:
        TrackingError: The decision does not allow it, is about other weights, or compared with a
            champion that is not today's.
    """
    check_names(model)
    if not decision.promote:
        raise TrackingError(f"The gate does not allow it: {' '.join(decision.reasons)}")
    with plain_errors("The champion cannot be moved"):
        client = store.client()
        _check_weights(client.get_model_version(model, str(version)), decision)
        aliases = _aliases(client, model)
        today = aliases.get(CHAMPION)
        if today not in (decision.champion_version, version):
            now = "There is" if today is None else "The champion is"
            raise TrackingError(
                f"{now} now {_named(today)}, and the gate compared with "
                f"{_named(decision.champion_version)}. Evaluate again."
            )
        if today != version:
            client.set_registered_model_alias(model, CHAMPION, str(version))
        if aliases.get(CHALLENGER) == version:
            client.delete_registered_model_alias(model, CHALLENGER)
    return AliasReport(champion_version=version)


def _check_weights(found: "ModelVersion", decision: GateDecision) -> None:
    if found.tags.get(HASH_TAG) != decision.adapter_sha256:
        raise TrackingError(
            f"The gate decided on other weights than those of version {found.version}. "
            "Evaluate this version."
        )


def _create_version(client: "MlflowClient", model: str, run_id: str) -> "ModelVersion":
    from mlflow.exceptions import MlflowException

    if not client.list_artifacts(run_id, _ARTIFACT):
        raise TrackingError(f"The run holds no artifact {_ARTIFACT!r}. Record the run first.")
    try:
        client.create_registered_model(model)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    return client.create_model_version(model, f"runs:/{run_id}/{_ARTIFACT}", run_id=run_id)


def _version_of(client: "MlflowClient", model: str, run_id: str) -> "ModelVersion | None":
    found = client.search_model_versions(f"name = '{model}' and run_id = '{run_id}'")
    return min(found, key=lambda one: int(one.version), default=None)


def _challenge(client: "MlflowClient", model: str, version: int) -> None:
    """Make `version` the challenger, unless it is the champion or a newer one is there."""
    aliases = _aliases(client, model)
    if version != aliases.get(CHAMPION) and version > aliases.get(CHALLENGER, 0):
        client.set_registered_model_alias(model, CHALLENGER, str(version))


def _aliases(client: "MlflowClient", model: str) -> dict[str, int]:
    from mlflow.exceptions import MlflowException

    try:
        found = client.get_registered_model(model).aliases
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        return {}
    return {alias: int(version) for alias, version in found.items()}


def check_names(model: str, run_id: str = "0") -> None:
    """Refuse what is no name or no id: both become part of a query.

    Raises:
        TrackingError: `model` is not a name, or `run_id` not an id.
    """
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", model):
        raise TrackingError(f"{model[:80]!r} is not the name of a registered model.")
    if not re.fullmatch(r"[0-9a-f]{1,32}", run_id):
        raise TrackingError(f"{run_id[:80]!r} is not the id of an MLflow run.")


def _named(version: int | None) -> str:
    return "no champion" if version is None else f"version {version}"

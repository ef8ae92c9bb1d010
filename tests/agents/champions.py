"""A champion in the registry that nobody in the test has trained."""

from pathlib import Path

from tools.tracking.store import TrackingStore


def crown_a_stranger(store: TrackingStore, model: str, adapter: Path | None = None) -> int:
    """Make a new version the champion of `model`, and return its number.

    Args:
        store: Where.
        model: Name of the registered model.
        adapter: Its artifact; without one it has none.
    """
    opened = store.open()
    run = opened.client.create_run(opened.experiment_id)
    if adapter is not None:
        opened.client.log_artifacts(run.info.run_id, str(adapter), "adapter")
    source = f"runs:/{run.info.run_id}/adapter"
    opened.client.create_registered_model(model)
    made = opened.client.create_model_version(model, source, run_id=run.info.run_id)
    opened.client.set_registered_model_alias(model, "champion", made.version)
    return int(made.version)

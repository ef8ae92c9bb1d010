"""A champion in the registry that nobody in the test has trained."""

from tools.tracking.store import TrackingStore


def crown_a_stranger(store: TrackingStore, model: str) -> int:
    """Make a new version without artifacts the champion of `model`, and return its number."""
    opened = store.open()
    run = opened.client.create_run(opened.experiment_id)
    source = f"runs:/{run.info.run_id}/adapter"
    opened.client.create_registered_model(model)
    made = opened.client.create_model_version(model, source, run_id=run.info.run_id)
    opened.client.set_registered_model_alias(model, "champion", made.version)
    return int(made.version)

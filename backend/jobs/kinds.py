"""What each kind of job does. Only the worker imports this, and each kind only what it needs."""

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import Engine

from backend.jobs.place import Place

Work = Callable[[Place, Engine], Mapping[str, Any]]


def work_of(kind: str) -> Work:
    """Return the function that does jobs of `kind`."""
    if kind in ("import", "inspect"):
        from backend.jobs.work.import_dataset import do_import, do_inspect

        return do_import if kind == "import" else do_inspect
    if kind in ("repair", "rehearse"):
        from backend.jobs.work.repair import do_rehearse, do_repair

        return do_repair if kind == "repair" else do_rehearse
    if kind == "preview":
        from backend.jobs.work.preview import do_preview

        return do_preview
    if kind in ("train", "recommend"):
        from backend.jobs.work.train import do_recommend, do_train

        return do_train if kind == "train" else do_recommend
    if kind == "evaluate":
        from backend.jobs.work.evaluate import do_evaluate

        return do_evaluate
    if kind == "crew":
        from backend.jobs.work.crew import do_crew

        return do_crew
    raise ValueError(f"There is no kind of job {kind!r}.")

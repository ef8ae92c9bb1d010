"""Send to MLflow what it could not take while a training ran.

A run folder holds `unsent.json` from the training's first step until MLflow has all of it: what the
run says of itself, and how it ended. A process that is killed leaves it behind, and so does an
MLflow server that is away.

Not covered: when to try again (the studio does it from time to time), and runs that still train.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tools.errors import TrackingError
from tools.files import write_text
from tools.tracking.live_run import RunStatus
from tools.tracking.metrics_file import read_lines, read_link, write_link
from tools.tracking.mlflow_run import RunDescription, continue_run, log_lines
from tools.tracking.store import TrackingStore, plain_errors

_NOTE = "unsent.json"


class Unsent(BaseModel):
    """What MLflow still has to learn of a run, besides its metrics."""

    model_config = ConfigDict(frozen=True)

    about: RunDescription
    status: RunStatus = Field(description="How the training ended.")


def note_unsent(run_folder: Path, about: RunDescription, status: RunStatus) -> None:
    """Note that MLflow may lack something of the run."""
    write_text(run_folder / _NOTE, Unsent(about=about, status=status).model_dump_json())


def forget_unsent(run_folder: Path) -> None:
    """Note that MLflow has all of the run."""
    (run_folder / _NOTE).unlink(missing_ok=True)


def unsent_runs(workspaces: Path) -> Iterator[Path]:
    """Yield the run folders, of every workspace in a folder, of which MLflow may lack something."""
    for path in sorted(workspaces.glob(f"*/runs/*/{_NOTE}")):
        yield path.parent


def send_unsent(store: TrackingStore, run_folder: Path) -> int:
    """Send what is missing of a run and end it; return how many values were sent.

    Raises:
        TrackingError: The store cannot be reached, or the note cannot be read.
    """
    try:
        note = Unsent.model_validate_json((run_folder / _NOTE).read_bytes())
    except FileNotFoundError:
        return 0
    except (OSError, ValidationError) as error:
        raise TrackingError(f"The file '{_NOTE}' of this run cannot be read.") from error
    lines = read_lines(run_folder)
    with plain_errors("The metrics are not in MLflow yet"):
        opened = store.open()
        save = partial(write_link, run_folder)
        link = continue_run(opened, read_link(run_folder), about=note.about, save=save)
        waiting = lines[link.lines_logged :]
        link = log_lines(opened, link, lines=waiting, save=save)
        assert link.mlflow_run_id is not None
        opened.client.set_terminated(link.mlflow_run_id, note.status)
    forget_unsent(run_folder)
    return len(waiting)

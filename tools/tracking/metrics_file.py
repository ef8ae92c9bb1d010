"""What a run folder knows: its metrics, and how many of them MLflow already has.

`metrics.jsonl` is the truth: one line a value, written before anything else happens to it.
`tracking.json` says which MLflow run belongs to the folder, and how many lines are in it.

Not covered: two processes that write to one run folder at the same time.
"""

import json
import secrets
import time
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tools.errors import TrackingError, spoken
from tools.files import write_text

_LINK = "tracking.json"


class MetricLine(BaseModel):
    """One measured value."""

    model_config = ConfigDict(frozen=True)

    name: str
    value: float = Field(description="May be NaN or infinite, written as Python's json does.")
    step: int
    time: int = Field(description="Milliseconds since 1970. MLflow tells repeats by it.")


class TrackingLink(BaseModel):
    """Which MLflow run belongs to a run folder, and how far it has come."""

    model_config = ConfigDict(frozen=True)

    key: str = Field(description="Tag of the MLflow run. Known before the run is made.")
    mlflow_run_id: str | None = None
    lines_logged: int = Field(default=0, ge=0)


class MetricsFile:
    """Appends to `metrics.jsonl` of one run folder and skips what is already there."""

    def __init__(self, run_folder: Path) -> None:
        path = run_folder / "metrics.jsonl"
        try:
            run_folder.mkdir(parents=True, exist_ok=True)
            _cut_torn_line(path)
            self.earlier = read_lines(run_folder)
            self.lines = len(self.earlier)
            self._known = {(line.name, line.step) for line in self.earlier}
            self._file = path.open("a", buffering=1, encoding="utf-8", newline="\n")
        except OSError as error:
            raise _cannot("written", error) from error

    def append(self, name: str, value: float, step: int) -> MetricLine | None:
        """Write one value; None when `step` of `name` is there already, as after a resume."""
        if (name, step) in self._known:
            return None
        line = MetricLine(name=name, value=value, step=step, time=time.time_ns() // 1_000_000)
        try:
            self._file.write(json.dumps(line.model_dump()) + "\n")
        except OSError as error:
            raise _cannot("written", error) from error
        self._known.add((name, step))
        self.lines += 1
        return line

    def close(self) -> None:
        """Write no more."""
        self._file.close()


def read_lines(run_folder: Path) -> list[MetricLine]:
    """Return the values of a run folder; none when it has no `metrics.jsonl`.

    Raises:
        TrackingError: The file cannot be read, or a line is not a value.
    """
    try:
        with (run_folder / "metrics.jsonl").open(encoding="utf-8") as lines:
            # A line without its end is still being written.
            return [MetricLine(**json.loads(line)) for line in lines if line.endswith("\n")]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise _cannot("read", error) from error
    except (ValueError, TypeError) as error:
        raise TrackingError("The file 'metrics.jsonl' of this run is damaged.") from error


def read_link(run_folder: Path) -> TrackingLink:
    """Return the link of a run folder. A new one is written before it is used."""
    try:
        return TrackingLink.model_validate_json((run_folder / _LINK).read_bytes())
    except (OSError, ValidationError):
        link = TrackingLink(key=secrets.token_hex(16))
        write_link(run_folder, link)
        return link


def write_link(run_folder: Path, link: TrackingLink) -> None:
    """Replace the link of a run folder in one step."""
    write_text(run_folder / _LINK, link.model_dump_json() + "\n")


def forget_metrics(run_folder: Path) -> None:
    """Leave the values of a run folder, and its MLflow run, behind: what comes is another's."""
    for name in ("metrics.jsonl", _LINK):
        (run_folder / name).unlink(missing_ok=True)


def _cut_torn_line(path: Path) -> None:
    """Remove what a killed process left after the last complete line."""
    if not path.exists():
        return
    content = path.read_bytes()
    complete = content.rfind(b"\n") + 1
    if complete < len(content):
        with path.open("r+b") as file:
            file.truncate(complete)


def _cannot(done: str, error: OSError) -> TrackingError:
    return TrackingError(f"The metrics of this run cannot be {done}: {spoken(error)}.")

"""Where runs and models are recorded: an MLflow database or an MLflow server.

Every exception of MLflow and of what lies below it leaves this package as a `TrackingError` in
plain words, without the address of the store, which may hold a password. A server that is down or
hangs costs seconds, not minutes. MLflow's own log lines, progress bars and telemetry are off.

Not covered: starting an MLflow server, and stores other than SQLite and HTTP.
"""

import os
import sqlite3
import tempfile
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from tools.errors import TrackingError, spoken
from tools.workspace import slug

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from sqlalchemy.engine.interfaces import DBAPIConnection
    from sqlalchemy.pool import ConnectionPoolEntry

_SQLITE = "sqlite:///"
# Of one request. Loopback answers in milliseconds; MLflow's own default is two minutes.
_TIMEOUT_SECONDS = 4
# Of one request that carries a file: the server answers when it has written all of it.
_FILE_TIMEOUT_SECONDS = 120
# The migrations keep their state in a module; two threads would mix theirs.
_PREPARING = threading.Lock()


class OpenStore(NamedTuple):
    """A store that answered, and the number of its experiment."""

    client: "MlflowClient"
    experiment_id: str


class TrackingStore(BaseModel):
    """An experiment in an MLflow store."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    tracking_uri: str = Field(
        pattern=r"^(sqlite:///|https?://).",
        repr=False,
        description="sqlite:////data/mlflow.db, or http://127.0.0.1:5000 for a server.",
    )
    experiment: str = Field(default="crewtune", min_length=1, max_length=200)
    artifact_root: Path | None = Field(
        default=None, description="Folder of the artifacts. A server has its own."
    )

    @property
    def shown(self) -> str:
        """The address as it may be shown: without a password, and without folders."""
        scheme, _, rest = self.tracking_uri.partition("://")
        if scheme == "sqlite":
            return f"sqlite:///{Path(rest).name}"
        return f"{scheme}://{rest.partition('/')[0].rpartition('@')[2]}"

    def client(self) -> "MlflowClient":
        """Return a client of the store, whose experiment exists.

        Raises:
            TrackingError: The store cannot be reached or opened.
        """
        return self.open().client

    def open(self) -> OpenStore:
        """Return a client and the id of the experiment, which is made when it is missing.

        Raises:
            TrackingError: The store cannot be reached or opened.
        """
        with plain_errors("The experiment store cannot be opened"):
            _quiet()
            from mlflow import MlflowClient

            artifacts = None
            if self.tracking_uri.startswith(_SQLITE):
                database = Path(self.tracking_uri.removeprefix(_SQLITE))
                with _PREPARING:
                    _prepare_database(database)
                root = self.artifact_root or database.parent / "mlruns"
                artifacts = (root.resolve() / slug(self.experiment)).as_uri()
            client = MlflowClient(self.tracking_uri, registry_uri=self.tracking_uri)
            return OpenStore(client, _experiment_id(client, self.experiment, artifacts))


def _experiment_id(client: "MlflowClient", name: str, artifacts: str | None) -> str:
    from mlflow.exceptions import MlflowException

    experiment = client.get_experiment_by_name(name)
    if experiment is None:
        try:
            return client.create_experiment(name, artifact_location=artifacts)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
        # Somebody else made it a moment ago.
        experiment = client.get_experiment_by_name(name)
        assert experiment is not None
    if experiment.lifecycle_stage == "deleted":
        client.restore_experiment(experiment.experiment_id)
    return str(experiment.experiment_id)


def _prepare_database(path: Path) -> None:
    """Make the database of a new store, or see that the existing one is one.

    MLflow migrates a new database through all its versions in place: 1,088 times it waits for the
    disk, and when the process is killed on the way the file is unusable for ever. Here the same
    migrations run in a file aside, which needs no waiting because it does not exist until it is
    complete.
    """
    if path.exists():
        # MLflow tries ten times, for over a minute, to open what is not a database.
        connection = sqlite3.connect(path)
        try:
            connection.execute("PRAGMA schema_version")
        finally:
            connection.close()
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".mlflow-") as folder:
        aside = Path(folder) / "new.db"
        _migrate(aside)
        with aside.open("rb") as file:
            os.fsync(file.fileno())
        with suppress(FileExistsError):  # Another process was quicker; its file is as good.
            os.link(aside, path)


def _migrate(path: Path) -> None:
    from mlflow.store.db.utils import _initialize_tables
    from sqlalchemy import create_engine, event

    engine = create_engine(f"{_SQLITE}{path}")

    @event.listens_for(engine, "connect")
    def _do_not_wait_for_the_disk(
        connection: "DBAPIConnection", _entry: "ConnectionPoolEntry"
    ) -> None:
        cursor = connection.cursor()
        cursor.execute("PRAGMA synchronous = OFF")
        cursor.execute("PRAGMA journal_mode = MEMORY")
        cursor.close()

    try:
        _initialize_tables(engine)  # type: ignore[no-untyped-call]
    finally:
        engine.dispose()


def _quiet() -> None:
    """Load MLflow without its telemetry, log lines, progress bars and long waits."""
    from mlflow import environment_variables as settings
    from mlflow.utils.logging_utils import disable_logging

    # MLflow uses an option that SQLAlchemy 2.1 warns of.
    warnings.filterwarnings("ignore", message="The ``noload`` loader strategy is deprecated")
    disable_logging()  # type: ignore[no-untyped-call]
    for setting, value in (
        (settings.MLFLOW_DISABLE_TELEMETRY, True),
        (settings.MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR, False),
        (settings.MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT, True),
        (settings.MLFLOW_HTTP_REQUEST_TIMEOUT, _TIMEOUT_SECONDS),
        # Not even one: MLflow repeats a request that timed out, and a repeated "create" makes two.
        (settings.MLFLOW_HTTP_REQUEST_MAX_RETRIES, 0),
    ):
        setting.set(value)  # type: ignore[no-untyped-call]


@contextmanager
def time_for_files() -> Iterator[None]:
    """Let requests take as long as files need. Other threads' requests may wait longer too."""
    from mlflow.environment_variables import MLFLOW_HTTP_REQUEST_TIMEOUT as TIMEOUT

    TIMEOUT.set(_FILE_TIMEOUT_SECONDS)  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        TIMEOUT.set(_TIMEOUT_SECONDS)  # type: ignore[no-untyped-call]


@contextmanager
def plain_errors(what: str) -> Iterator[None]:
    """Turn the exceptions of MLflow and of what lies below it into `TrackingError`.

    Args:
        what: The beginning of the message, e.g. "The run cannot be recorded".
    """
    try:
        yield
    except TrackingError:
        raise
    except Exception as error:
        reason = _reason(error)
        if reason is None:
            raise
        raise TrackingError(f"{what}: {reason}") from error


def _reason(error: BaseException) -> str | None:
    if isinstance(error, ImportError):
        return "MLflow cannot be loaded. Run 'make clean', then the same command: it installs anew."
    from requests import RequestException
    from sqlalchemy.exc import SQLAlchemyError

    causes = [*_chain(error)]
    if any(isinstance(one, RequestException) for one in causes):
        return "the MLflow server does not answer. Is it running?"
    if any(isinstance(one, SQLAlchemyError | sqlite3.Error) for one in causes):
        return "the MLflow database is locked, damaged, or not one of this MLflow version."
    if isinstance(error, OSError):
        return f"{spoken(error)}."
    return _answer(error)


def _answer(error: BaseException) -> str | None:
    from mlflow.exceptions import MlflowException

    if not isinstance(error, MlflowException):
        return None
    return {
        "RESOURCE_DOES_NOT_EXIST": "there is no such run, model or version in MLflow.",
        "PERMISSION_DENIED": "the MLflow server refuses this user.",
        "UNAUTHENTICATED": "the MLflow server asks for a user name and password.",
        "TEMPORARILY_UNAVAILABLE": "MLflow is busy. Try again.",
        "INVALID_PARAMETER_VALUE": "MLflow does not accept a name or value.",
    }.get(error.error_code, "MLflow refuses the request.")


def _chain(error: BaseException) -> Iterator[BaseException]:
    following: BaseException | None = error
    while following is not None:
        yield following
        following = following.__cause__ or following.__context__

"""Do what the command `backend.demo` was given, with what a person at a terminal sees of it.

Not covered: serving over HTTP, several users, several jobs at a time.
"""

import argparse
import logging
import signal
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import ValidationError
from rich.console import Console

from backend.samples import PRETRAINING_TEXT, REQUESTS, TINY
from backend.settings import Settings, quiet_libraries, use_endpoint
from backend.terminal import TerminalProgress, plain
from tools.errors import RecipeError, ToolError
from tools.progress import Cancelled
from tools.workspace import Workspace

if TYPE_CHECKING:
    from agents.job import FineTuneJob, Studio

_Made = TypeVar("_Made")
_GOAL = (
    "Read a service request for refrigeration equipment and answer with its intent, component "
    "and urgency as JSON."
)


def run_demo(given: argparse.Namespace) -> int:
    """Run the job and return the exit code: 0 a verdict, 1 refused, 130 stopped."""
    console = Console(highlight=False)
    progress = TerminalProgress(console)
    _stop_on_ctrl_c(progress)
    quiet_libraries()
    _quiet_logs()
    try:
        settings = _checked(Settings)
        use_endpoint(settings)
        return _run(given, settings, progress, console)
    except Cancelled as stop:
        progress.close()
        console.print(plain(str(stop)))
        return 130
    except ToolError as error:
        progress.close()
        console.print(f"[bold red]Stopped:[/] {plain(str(error))}")
        return 1
    finally:
        progress.close()


def _checked(make: Callable[[], _Made]) -> _Made:
    """Return what `make` makes of the user's settings; all that is wrong with them is named."""
    try:
        return make()
    except ValidationError as error:
        problems = "; ".join(
            ": ".join((*map(str, one["loc"]), one["msg"])) for one in error.errors()
        )
        raise RecipeError(f"{problems}. See --help and .env.example.") from error


def _run(
    given: argparse.Namespace, settings: Settings, progress: TerminalProgress, console: Console
) -> int:
    progress.log("Calling the crew together.")
    # Imported here: they load CrewAI, and `--help` need not wait for it.
    from agents.fine_tune_flow import begin, go_on
    from backend.verdict_screen import show_verdict

    workspace = Workspace(settings.data_dir)
    studio = _studio(settings, workspace, progress)
    if given.resume is not None:
        run_id = given.resume
    else:
        job = _job(given)
        if job.model == TINY:
            _build_tiny(workspace, progress)
        run_id = begin(studio, job)
    try:
        verdict = go_on(studio, run_id)
    except Cancelled as stop:
        raise Cancelled(f"Stopped. Go on with: make demo RESUME={run_id}") from stop
    except ToolError:
        progress.log(
            f"The run is kept. Once what it says below is mended: make demo RESUME={run_id}"
        )
        raise
    progress.close()
    show_verdict(verdict, settings.data_dir, console)
    return 0


def _studio(settings: Settings, workspace: Workspace, progress: TerminalProgress) -> "Studio":
    from agents.job import Studio
    from agents.language_model import connect

    llm = None
    if settings.llm_base_url and settings.llm_model:
        llm = connect(settings.llm_base_url, settings.llm_model, settings.llm_api_key)
    return Studio(
        workspace=workspace,
        store=settings.tracking_store(),
        progress=progress,
        llm=llm,
        hub_token=settings.hf_token,
        hub_endpoint=settings.hf_endpoint,
    )


def _job(given: argparse.Namespace) -> "FineTuneJob":
    from agents.job import FineTuneJob

    own_goal = f"Answer like the answers in {Path(given.dataset).name[:100]}."
    sample = given.dataset == REQUESTS
    fields = {name: value for name, value in vars(given).items() if name != "resume"}
    goal = (_GOAL if sample else own_goal) if given.goal is None else given.goal
    return _checked(lambda: FineTuneJob.model_validate({**fields, "goal": goal}))


def _build_tiny(workspace: Workspace, progress: TerminalProgress) -> None:
    from tools.training.check_space import check_space
    from tools.training.pretrain import pretrain

    target = workspace.models / TINY
    if not target.exists():
        check_space(workspace.models, 50_000_000)
        progress.log(f"Building the bundled base model {TINY}, once.")
    pretrain(target, PRETRAINING_TEXT, progress=progress)


def _stop_on_ctrl_c(progress: TerminalProgress) -> None:
    def stop(*_: Any) -> None:
        progress.ask_to_stop()
        # A second Ctrl-C ends the process at once.
        signal.signal(signal.SIGINT, signal.SIG_DFL)

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)


def _quiet_logs() -> None:
    """Keep what libraries say among themselves off the terminal; our own sentences stay."""
    warnings.filterwarnings("ignore")
    logging.getLogger().addHandler(logging.NullHandler())
    for name in ("crewai", "transformers", "trl", "peft", "datasets", "accelerate", "httpx"):
        logging.getLogger(name).setLevel(logging.CRITICAL)

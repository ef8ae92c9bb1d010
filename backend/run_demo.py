"""Do what the command `backend.demo` was given, with what a person at a terminal sees of it.

Not covered: serving over HTTP, several users, several jobs at a time.
"""

import argparse
import logging
import signal
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from backend.samples import REQUESTS, TINY, build_tiny
from backend.settings import Settings, checked, quiet_libraries, use_endpoint
from backend.terminal import TerminalProgress, plain
from tools.errors import ToolError, WorkspaceError
from tools.progress import Cancelled
from tools.workspace import Workspace

if TYPE_CHECKING:
    from agents.job import FineTuneJob, Studio

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
        settings = checked(Settings)
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


def _run(
    given: argparse.Namespace, settings: Settings, progress: TerminalProgress, console: Console
) -> int:
    progress.log("Calling the crew together.")
    # Imported here: they load CrewAI, and `--help` need not wait for it.
    from agents.fine_tune_flow import go_on
    from backend.verdict_screen import show_verdict

    workspace = Workspace(settings.data_dir)
    studio = _studio(settings, workspace, progress)
    if given.resume is not None:
        run_id = _run_named(given.resume, workspace)
    else:
        run_id = _begin(given, studio)
    try:
        verdict = go_on(studio, run_id)
    except Cancelled:
        progress.close()
        # Not wrapped, here and below: it is there to be copied.
        console.print(f"Stopped. Go on with: make demo RESUME={run_id}", soft_wrap=True)
        return 130
    except ToolError as error:
        progress.close()
        console.print(f"[bold red]Stopped:[/] {plain(str(error))}")
        if _may_go_on(workspace, run_id):
            console.print("When that is mended, go on with:")
            console.print(f"  make demo RESUME={run_id}", soft_wrap=True)
        return 1
    progress.close()
    show_verdict(verdict, settings.data_dir, console)
    return 0


def _begin(given: argparse.Namespace, studio: "Studio") -> str:
    from agents.fine_tune_flow import begin

    job = _job(given)
    if job.model == TINY:
        build_tiny(studio.workspace.models, studio.progress)
    return begin(studio, job)


def _run_named(given: str, workspace: Workspace) -> str:
    """Return the run's name, also when its folder was given, as the verdict shows it."""
    folder = Path(given)
    within = folder.parent.resolve() == (workspace.root / "runs").resolve()
    return folder.name if within else given


def _may_go_on(workspace: Workspace, run_id: str) -> bool:
    """Return whether the run has its data. Without, it would only meet the same refusal again."""
    from agents.run_state import load_state

    try:
        return load_state(workspace.run(run_id)).data is not None
    except WorkspaceError:
        return False


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
    return checked(lambda: FineTuneJob.model_validate({**fields, "goal": goal}))


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

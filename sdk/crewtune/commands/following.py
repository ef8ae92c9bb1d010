"""Watch a job: its sentences, a bar with the time left, and how it ended.

Ctrl-C ends the watching, not the job.
"""

import threading
from types import TracebackType
from typing import Self

import typer
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

from crewtune.commands.outcome import outcome
from crewtune.commands.screen import Screen, duration, plain
from crewtune.commands.session import REFUSED, STOPPED, Session
from crewtune.errors import ApiError
from crewtune.jobs import Event, Job

_BETWEEN_SECONDS = 1.0
_CURVES = ("loss", "eval_loss")


def follow(session: Session, job: Job, *, after: int = 0) -> None:
    """Show `job` from its event number `after` to its end, and how it ended.

    Raises:
        typer.Exit: It did not succeed, or Ctrl-C was pressed.
    """
    ended = watch(session, job, after=after)
    show_end(session.screen, ended)
    if not ended.succeeded:
        raise typer.Exit(REFUSED)


def watch(session: Session, job: Job, *, after: int = 0) -> Job:
    """Show `job` from its event number `after` on, and return it as it ended.

    Raises:
        typer.Exit: Ctrl-C was pressed.
    """
    try:
        if session.screen.as_json:
            for event in session.studio.follow(job.id, after=after):
                session.screen.json({"event": event})
        else:
            with JobBar(session, job) as bar:
                for event in session.studio.follow(job.id, after=after):
                    bar.tell(event)
        return session.studio.job(job.id)
    except KeyboardInterrupt:
        back = session.command(f"jobs logs -f {job.number}")
        session.screen.remark(f"Job {job.number} goes on. Come back to it with: {back}")
        raise typer.Exit(STOPPED) from None


def started(session: Session, job: Job, *, follow_it: bool) -> None:
    """Show that `job` was begun; then follow it, or say how to."""
    if not follow_it:
        session.screen.json(job)
        session.screen.print(f"Job {job.number} ({job.kind}) is {standing(job)}.")
        back = session.command(f"jobs logs -f {job.number}")
        return session.screen.print(f"Watch it with: {back}")
    session.screen.json({"job": job})
    session.screen.print(f"Job {job.number} ({job.kind})")
    return follow(session, job)


def show_end(screen: Screen, job: Job) -> None:
    """Show how `job` ended."""
    screen.json({"job": job})
    screen.print(f"Job {job.number} {job.status}.")
    for line in outcome(job):
        screen.print(f"  {line}")


def standing(job: Job) -> str:
    """Return where `job` stands, in words."""
    if job.cancel_requested and not job.ended:
        return "being cancelled"
    if job.position is None or job.ended:
        return job.status
    before = {0: "next", 1: "after 1 other"}.get(job.position, f"after {job.position} others")
    return f"{job.status}, {before}"


class JobBar:
    """A bar with the time left. Without a terminal it is a line a quarter."""

    def __init__(self, session: Session, job: Job) -> None:
        self._session = session
        self._job = job
        self._out = session.screen.out
        self._losses: dict[str, float] = {}
        self._quarter = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look_on, name="job bar", daemon=True)
        self._bars = Progress(
            TextColumn("  {task.description}"),
            BarColumn(bar_width=30),
            TaskProgressColumn(),
            TextColumn("{task.fields[note]}"),
            console=self._out,
            transient=True,
            disable=not self._out.is_terminal,
        )
        self._task = self._bars.add_task(standing(job), total=100.0, note="")

    def tell(self, event: Event) -> None:
        """Show one event."""
        if event.type == "metric" and event.data.get("name") in _CURVES:
            self._losses[event.data["name"]] = event.data["value"]
        elif event.type == "log":
            self._out.print(plain(event.data.get("message", "")))
        elif event.type in ("cancel_requested", "interrupted"):
            self._out.print(plain(event.type.replace("_", " ").capitalize() + "."))

    def _look_on(self) -> None:
        while not self._over.wait(_BETWEEN_SECONDS):
            try:
                self._show(self._session.studio.job(self._job.id))
            except ApiError:
                continue  # `follow` waits for the studio, or says what is wrong

    def _show(self, job: Job) -> None:
        left = f"{duration(job.seconds_left)} left" if job.seconds_left is not None else ""
        losses = (f"{name} {value:.3f}" for name, value in list(self._losses.items()))
        note = "  ".join(filter(None, (left, *losses)))
        self._bars.update(self._task, completed=job.percent, description=standing(job), note=note)
        quarter = int(job.percent // 25)
        if not self._out.is_terminal and quarter > self._quarter and not job.ended:
            self._out.print(plain(f"  {25 * quarter} %  {note}"))
        self._quarter = quarter

    def __enter__(self) -> Self:
        self._bars.start()
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        self._bars.stop()
        self._thread.join(timeout=_BETWEEN_SECONDS)

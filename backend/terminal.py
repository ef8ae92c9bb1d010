"""What a person at a terminal sees of long work: plain sentences, and a bar with the time left."""

import re
import threading
import time
from datetime import timedelta

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, TaskID, TaskProgressColumn, TextColumn
from rich.progress import Progress as Bars

from tools.progress import Cancelled

_SHORT_SECONDS = 5  # work that is done sooner needs no lines about how far it is


_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def plain(text: str) -> str:
    """Return `text` so that a terminal shows it and obeys nothing in it."""
    return escape(_CONTROL.sub(" ", text))


class TerminalProgress:
    """A `Progress` on the terminal. Without one (a log file, CI) it prints a line a quarter."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bars: Bars | None = None
        self._task = TaskID(0)
        self._doing = ""
        self._losses: dict[str, float] = {}
        self._quarter = 0
        self._since = time.monotonic()
        self._stop = threading.Event()

    def ask_to_stop(self) -> None:
        """Make the next `check` raise `Cancelled`."""
        self._stop.set()

    def check(self) -> None:
        """Raise `Cancelled` when the user has asked to stop."""
        if self._stop.is_set():
            raise Cancelled("Stopped on request.")

    def log(self, message: str) -> None:
        """Print one sentence. What was shown as a bar is over."""
        self.close()
        self._doing = " ".join(message.split()[:2]).rstrip(".")[:24]
        if message.startswith("  "):
            self._console.print(f"  [dim]{plain(message.strip())}[/dim]")
        else:
            self._console.print(plain(message))

    def metric(self, name: str, value: float, step: int) -> None:
        """Show the latest losses beside the bar."""
        del step  # the bar says how far it is
        if name in ("loss", "eval_loss"):
            self._losses[name] = value

    def sample(self, prompt: str, answer: str) -> None:
        """Print an example answer."""
        self._console.print(f"  [dim]{plain(prompt[:80])} -> {plain(answer[:80])}[/dim]")

    def percent(self, done: float, seconds_left: float | None = None) -> None:
        """Move the bar."""
        left = "" if seconds_left is None else f"{timedelta(seconds=round(seconds_left))} left"
        # Two of them fit a terminal of 80 columns beside the bar only when it is not shown.
        told = list(self._losses.items())[: 1 if self._console.is_terminal else 2]
        shown = "  ".join(f"{name} {value:.3f}" for name, value in told)
        if not self._console.is_terminal:
            self._by_quarters(done, f"{left}  {shown}".strip())
            return
        if self._bars is None:
            self._bars = Bars(
                TextColumn("  {task.description}"),
                BarColumn(bar_width=20),
                TaskProgressColumn(),
                TextColumn("{task.fields[note]}"),
                console=self._console,
                transient=True,
            )
            self._bars.start()
            self._task = self._bars.add_task(plain(self._doing), total=100.0, note="")
        self._bars.update(self._task, completed=done, note=f"{left}  {shown}")

    def close(self) -> None:
        """Take the bar away."""
        if self._bars is not None:
            self._bars.stop()
        self._bars, self._losses, self._quarter = None, {}, 0
        self._since = time.monotonic()

    def _by_quarters(self, done: float, note: str) -> None:
        quarter = int(done // 25)
        long = time.monotonic() - self._since > _SHORT_SECONDS
        if quarter > self._quarter and long:
            self._console.print(f"  {25 * quarter} %  {note}", markup=False)
        self._quarter = quarter

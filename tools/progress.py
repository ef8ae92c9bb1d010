"""How long work reports, and how it is told to stop.

A tool that takes longer than a second accepts a `Progress`. The terminal, a job's event table
and a test each have their own.
"""

from typing import Protocol


class Cancelled(BaseException):
    """The work was asked to stop, and what could be kept has been kept.

    Not an `Exception`: agent libraries catch those and hand them to the model as text, and a
    request to stop must not be argued with.
    """


class Progress(Protocol):
    """Receives what long work has to say."""

    def log(self, message: str) -> None:
        """Take one plain sentence about what is happening."""

    def metric(self, name: str, value: float, step: int) -> None:
        """Take one measured value, e.g. `loss` at optimiser step 10."""

    def sample(self, prompt: str, answer: str) -> None:
        """Take one example answer of the model at work."""

    def percent(self, done: float, seconds_left: float | None = None) -> None:
        """Take the share done (0 to 100) and, where known, the time left in seconds."""

    def check(self) -> None:
        """Raise `Cancelled` when the work was asked to stop."""


class NoProgress:
    """Reports to nobody and never stops."""

    def log(self, message: str) -> None:
        """Ignore the sentence."""

    def metric(self, name: str, value: float, step: int) -> None:
        """Ignore the value."""

    def sample(self, prompt: str, answer: str) -> None:
        """Ignore the example."""

    def percent(self, done: float, seconds_left: float | None = None) -> None:
        """Ignore the share."""

    def check(self) -> None:
        """Go on."""

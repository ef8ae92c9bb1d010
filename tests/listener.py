"""A `Progress` that keeps what it is told."""

from tools.progress import Cancelled


class Listener:
    """Keeps everything, and asks to stop once `stop_after` checks have passed."""

    def __init__(self, stop_after: int | None = None) -> None:
        self.logs: list[str] = []
        self.metrics: list[tuple[str, float, int]] = []
        self.percents: list[float] = []
        self.samples: list[tuple[str, str]] = []
        self._checks_left = stop_after

    def log(self, message: str) -> None:
        self.logs.append(message)

    def metric(self, name: str, value: float, step: int) -> None:
        self.metrics.append((name, value, step))

    def sample(self, prompt: str, answer: str) -> None:
        self.samples.append((prompt, answer))

    def percent(self, done: float, seconds_left: float | None = None) -> None:
        self.percents.append(done)

    def check(self) -> None:
        if self._checks_left is not None:
            self._checks_left -= 1
            if self._checks_left < 0:
                raise Cancelled("Stopped on request.")

    def values(self, name: str) -> dict[int, float]:
        """Return the values of one metric by step."""
        return {step: value for metric, value, step in self.metrics if metric == name}

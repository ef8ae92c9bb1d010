"""What an agent has in front of it in one step: its tools, and what they reported.

`Desk.tool` turns a plain function of the desk into a CrewAI tool. Every call is recorded for the
receipt, a refusal is handed to the model as a `ToolFailure`, and the reports are kept, so that the
answer can be held against them. A dataset name is accepted only when a tool of this run made it.
"""

import inspect
import time
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, Concatenate, TypeVar, get_type_hints

from crewai.tools import BaseTool, ToolFailure
from crewai.tools import tool as crewai_tool
from pydantic import BaseModel

from agents.job import FineTuneJob, Studio
from agents.receipts import ToolCall
from tools.errors import DatasetError, ToolError, spoken


class BaseModelName(BaseModel):
    """The base model as it may be shown, and which weights it had when the run began."""

    name: str
    sha256: str


_Report = TypeVar("_Report", bound=BaseModel)
ToolFunction = Callable[Concatenate["Desk", ...], BaseModel]
NOT_REFUSED = "No tool has refused its work, so nothing has failed. Go on with the tools."
_MOST_CALLS = 5  # of one tool by one agent


class ToolFault(BaseException):
    """A tool failed in a way it does not know: a fault of ours, which its cause describes.

    Not an `Exception`, so that CrewAI does not hand it to the model as if it were a refusal.
    """


class Desk:
    """The tools of one step and what they have reported so far."""

    def __init__(self, studio: Studio, job: FineTuneJob, folder: Path) -> None:
        self.studio = studio
        self.job = job
        self.folder = folder
        self.calls: list[ToolCall] = []
        self._reports: dict[type[BaseModel], BaseModel] = {}
        self._datasets: set[str] = set()
        self._laid = time.monotonic()

    @property
    def seconds(self) -> float:
        """The time since the desk was laid."""
        return time.monotonic() - self._laid

    @property
    def refused(self) -> bool:
        """Whether a tool refused, and has not done its work since."""
        latest = {call.tool: call for call in self.calls}
        return any(call.refusal is not None for call in latest.values())

    def dataset(self, name: str) -> Path:
        """Return the file of a dataset this run made.

        Raises:
            DatasetError: `name` is another one: a model may not widen its own reach.
        """
        if name not in self._datasets:
            known = ", ".join(sorted(self._datasets)) or "none yet; call import_user_dataset first"
            raise DatasetError(
                f"{name[:80]!r} is not a dataset of this run. The datasets are: {known}."
            )
        return self.studio.workspace.dataset(name)

    def admit(self, *names: str) -> None:
        """Let the tools of this step use the datasets `names`."""
        self._datasets.update(names)

    def last(self, kind: type[_Report]) -> _Report | None:
        """Return the latest report of that kind, or None when no tool has made one."""
        report = self._reports.get(kind)
        return report if isinstance(report, kind) else None

    def need(self, kind: type[_Report], tool: str) -> _Report:
        """Return the latest report of that kind.

        Raises:
            ToolError: The tool that makes it has not been called.
        """
        report = self.last(kind)
        if report is None:
            raise ToolError(f"Call {tool} first.")
        return report

    def keep(self, report: BaseModel) -> None:
        """Put `report` on the desk as the latest of its kind."""
        self._reports[type(report)] = report

    def tool(self, function: ToolFunction) -> BaseTool:
        """Return `function` as a tool for an agent, under its own name and docstring.

        Its first parameter is this desk, which a model neither sees nor chooses.
        """
        whole = inspect.signature(function)

        @wraps(function)
        def call(**arguments: Any) -> Any:
            self.studio.progress.check()
            started = time.monotonic()
            outcome = self._outcome(function, arguments)
            self._note(function.__name__, arguments, outcome, started)
            return outcome

        offered = [*whole.parameters.values()][1:]
        call.__signature__ = whole.replace(parameters=offered)  # type: ignore[attr-defined]
        name, schema = function.__name__, get_type_hints(function)["return"]
        # A tool with a limit is also never run beside another one.
        make = crewai_tool(name, result_schema=schema, max_usage_count=_MOST_CALLS)
        made: BaseTool = make(call)
        return made

    def _outcome(self, function: ToolFunction, arguments: dict[str, Any]) -> BaseModel:
        """Return the report of `function`, or why it refused, as a `ToolFailure`."""
        try:
            _check_arguments(function, self, arguments)
            report = function(self, **arguments)
        except ToolError as error:
            return ToolFailure(message=str(error), code=type(error).__name__)
        except OSError as error:
            refusal = f"A file cannot be read or written: {spoken(error)}."
            return ToolFailure(message=refusal, code="OSError")
        except Exception as error:
            raise ToolFault from error
        self.keep(report)
        return report

    def _note(
        self, tool: str, arguments: dict[str, Any], outcome: BaseModel, started: float
    ) -> None:
        refused = isinstance(outcome, ToolFailure)
        self.calls.append(
            ToolCall(
                tool=tool,
                arguments=arguments,
                result=None if refused else outcome.model_dump(mode="json"),
                refusal=outcome.message if isinstance(outcome, ToolFailure) else None,
                seconds=round(time.monotonic() - started, 2),
            )
        )


def _check_arguments(function: ToolFunction, desk: Desk, arguments: dict[str, Any]) -> None:
    try:
        inspect.signature(function).bind(desk, **arguments)
    except TypeError as error:
        raise ToolError(f"{function.__name__} takes other arguments: {error}.") from error

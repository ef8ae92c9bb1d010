"""The stand-in for a language model: a real CrewAI `BaseLLM` that decides by rules.

Given what the tools have reported so far, the rules of an agent name the next tool to call, or
give the answer, with reasons written from the reports. They see exactly what a model would see,
the messages of the conversation, and their answers pass the same checks.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from crewai.llms.base_llm import BaseLLM
from pydantic import BaseModel, ValidationError

_Report = TypeVar("_Report", bound=BaseModel)


@dataclass(frozen=True)
class Outcome:
    """One tool call that was made, as its text came back."""

    tool: str
    text: str


@dataclass(frozen=True)
class Request:
    """The next tool to call."""

    tool: str
    arguments: dict[str, Any]


@dataclass(frozen=True)
class Seen:
    """The tool calls of the conversation, oldest first."""

    outcomes: Sequence[Outcome]

    def report(self, tool: str, kind: type[_Report]) -> _Report | None:
        """Return the latest report of `tool`, or None when it was not called or refused."""
        for outcome in reversed(self.outcomes):
            if outcome.tool == tool:
                try:
                    return kind.model_validate_json(outcome.text)
                except ValidationError:
                    return None
        return None

    @property
    def refusal(self) -> str | None:
        """What the last tool said when it refused, or None when it did its work."""
        if not self.outcomes:
            return None
        text = self.outcomes[-1].text
        return None if text.lstrip().startswith("{") else text.rpartition(" (code:")[0] or text


Rules = Callable[[Seen], Request | BaseModel]


class RuleLLM(BaseLLM):
    """Answers with the decision of `rules`."""

    rules: Rules

    def call(self, messages: Any, *_: Any, **__: Any) -> Any:
        """Return a tool call in the OpenAI shape, or the answer as JSON."""
        seen = _seen(messages if isinstance(messages, list) else [])
        step = self.rules(seen)
        if isinstance(step, BaseModel):
            return step.model_dump_json()
        call = {"name": step.tool, "arguments": json.dumps(step.arguments)}
        return [{"id": f"call_{len(seen.outcomes)}", "type": "function", "function": call}]

    def supports_function_calling(self) -> bool:
        """Take tools in the OpenAI shape rather than as text."""
        return True

    def get_input_tokens_count(self, *_: Any, **__: Any) -> int:
        """Return 0: rules read no tokens."""
        return 0


def _seen(messages: Sequence[dict[str, Any]]) -> Seen:
    return Seen(
        [
            Outcome(str(message.get("name")), str(message.get("content")))
            for message in messages
            if message.get("role") == "tool"
        ]
    )

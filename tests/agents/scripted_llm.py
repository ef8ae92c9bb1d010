"""A language model that says what the test wrote down, through the real CrewAI."""

import json
from typing import Any

from crewai.llms.base_llm import BaseLLM
from pydantic import Field


def call(tool: str, **arguments: Any) -> list[dict[str, Any]]:
    """Return a tool call in the OpenAI shape."""
    function = {"name": tool, "arguments": json.dumps(arguments)}
    return [{"id": f"call_{tool}", "type": "function", "function": function}]


class ScriptedLLM(BaseLLM):
    """Answers with `replies` in order, the last one for ever, and keeps what it was told."""

    replies: list[Any]
    told: list[str] = Field(default_factory=list)

    def call(self, messages: Any, *_: Any, **__: Any) -> Any:
        self.told.append(json.dumps(messages, default=str))
        reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        if isinstance(reply, Exception):
            raise reply
        return reply

    def supports_function_calling(self) -> bool:
        return True

    def get_input_tokens_count(self, *_: Any, **__: Any) -> int:
        return 0

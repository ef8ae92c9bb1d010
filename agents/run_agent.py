"""Run one agent on one task: the only builder of an `Agent`, a `Task` and a `Crew`.

The answer must be JSON of the given type and must agree with what the tools reported. One that
does not is asked for again twice, with what was wrong; after that, or when the model cannot be
reached, the rules answer in its place and the receipt says so.
"""

import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Generic, TypeVar

import yaml
from crewai import Agent, Crew, CrewOutput, Task
from crewai.events import event_context
from crewai.llms.base_llm import BaseLLM
from crewai.tools.tool_failure import ToolExecutionFailedError
from pydantic import BaseModel, ConfigDict, ValidationError

from agents.desk import Desk, ToolFunction
from agents.receipts import Receipt, write_receipt
from agents.rule_llm import RuleLLM, Rules

# When a model cannot be reached CrewAI prints that its own events do not pair; the receipt and the
# log say what happened.
event_context._default_config.mismatch_behavior = event_context.MismatchBehavior.SILENT

_Answer = TypeVar("_Answer", bound=BaseModel)
_ASKED_AGAIN = 2
# What a reasoning model writes before its answer, with or without the tag that begins it.
_THOUGHTS = re.compile(r"\A(?!\s*[{`]).*?</think>", re.DOTALL)
_MOST_CALLS = 20  # of tools in a step; a model that needs more is going round in circles


class Prompt(BaseModel):
    """The words one agent is told, from `prompts/<name>.yaml`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    role: str
    goal: str
    backstory: str
    task: str
    expected_output: str


@dataclass(frozen=True)
class Assignment(Generic[_Answer]):
    """What one agent has to do: its prompt, tools, type of answer, checks and rules."""

    name: str
    step: int
    tools: tuple[ToolFunction, ...]
    answer: type[_Answer]
    rules: Rules
    check: Callable[[_Answer, Desk], str | None]  # how an answer contradicts the tools, if it does


@cache
def load_prompt(name: str) -> Prompt:
    """Return the prompt of the agent `name`."""
    path = Path(__file__).parent / "prompts" / f"{name}.yaml"
    return Prompt.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))


def run_agent(assignment: Assignment[_Answer], desk: Desk) -> _Answer:
    """Let the agent work at `desk`, write its receipt, and return its answer.

    Raises:
        Cancelled: The work was asked to stop.
        RuntimeError: The rules' own answer was refused, which is a fault of ours.
    """
    started = time.monotonic()
    rules = RuleLLM(model="rules", rules=assignment.rules)
    llm, fell_back = desk.studio.llm or rules, None
    spent_before = _tokens_spent(llm)
    try:
        answer = _ask(assignment, desk, llm)
    # CrewAI and the clients below it have no common error, and none of theirs may stop a step.
    except Exception as error:
        if llm is rules:
            raise
        fell_back = _in_one_line(error)
        desk.studio.progress.log(f"The model {llm.model!r} gave no usable answer: {fell_back}")
        desk.studio.progress.log("The rules decide in its place.")
        answer = _ask(assignment, desk, rules)
    prompt = load_prompt(assignment.name)
    receipt = Receipt(
        step=assignment.step,
        agent=prompt.role,
        model=rules.model if fell_back else llm.model,
        prompt=_task_text(prompt, desk),
        tool_calls=tuple(desk.calls),
        answer=answer.model_dump(mode="json"),
        fell_back=fell_back,
        tokens=_tokens_spent(llm) - spent_before,
        seconds=round(time.monotonic() - started, 2),
    )
    write_receipt(receipt, desk.folder)
    return answer


def _tokens_spent(llm: BaseLLM) -> int:
    """Return the tokens of all steps so far, of answers that were refused too."""
    return llm.get_token_usage_summary().total_tokens


def _ask(assignment: Assignment[_Answer], desk: Desk, llm: BaseLLM) -> _Answer:
    prompt = load_prompt(assignment.name)
    agent = Agent(
        role=prompt.role,
        goal=prompt.goal,
        backstory=prompt.backstory,
        tools=[desk.tool(function) for function in assignment.tools],
        llm=llm,
        allow_delegation=False,
        max_iter=_MOST_CALLS,
        max_retry_limit=0,  # CrewAI would do the whole step again
        verbose=False,
    )
    task = Task(
        description=_task_text(prompt, desk),
        expected_output=prompt.expected_output.replace(
            "{schema}", json.dumps(assignment.answer.model_json_schema())
        ),
        agent=agent,
        guardrail=_guardrail(assignment, desk),
        guardrail_max_retries=_ASKED_AGAIN,
    )
    crew = Crew(agents=[agent], tasks=[task], verbose=False, memory=False, tracing=False)
    output = crew.kickoff()
    if not isinstance(output, CrewOutput):
        raise TypeError("A crew that does not stream answers as a whole.")
    return _parse(output.raw, assignment.answer)


def _task_text(prompt: Prompt, desk: Desk) -> str:
    # Not str.format: a goal is the user's text and may hold braces.
    return prompt.task.replace("{goal}", desk.job.goal)


def _guardrail(assignment: Assignment[_Answer], desk: Desk) -> Callable[[Any], tuple[bool, Any]]:
    def guardrail(output: Any) -> tuple[bool, Any]:
        try:
            answer = _parse(output.raw, assignment.answer)
        except ValueError as error:
            return False, str(error)
        problem = assignment.check(answer, desk)
        return (True, output.raw) if problem is None else (False, problem)

    return guardrail


def _parse(text: str, kind: type[_Answer]) -> _Answer:
    text = _THOUGHTS.sub("", text, count=1)
    fenced = re.search(r"```(?:json)?\s*(\{.*\})\s*```", text, re.DOTALL)
    try:
        return kind.model_validate_json(fenced.group(1) if fenced else text.strip())
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(map(str, one['loc'])) or 'the answer'}: {one['msg']}"
            for one in error.errors()
        )
        raise ValueError(f"The answer is not the JSON object asked for: {problems}.") from error


def _in_one_line(error: Exception) -> str:
    if isinstance(error, ToolExecutionFailedError):
        return "The model made the same call again and again."
    if isinstance(error, ValidationError | Warning):
        return "The model's calls do not have the form of the OpenAI API."
    text = " ".join(str(error).split())
    return text[:300] or type(error).__name__

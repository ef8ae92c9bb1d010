"""A model behind an OpenAI-compatible server that does the Data Manager's work."""

import json
from dataclasses import replace
from http.server import BaseHTTPRequestHandler
from typing import Any

from pydantic import SecretStr

from agents.answers import DataDecision
from agents.data_manager import judge_data
from agents.desk import Desk
from agents.language_model import Limits, connect
from agents.receipts import Receipt
from tests.agents.on_desk import receipt_of
from tests.agents.openai_server import Asked, Reply, completion, send
from tests.agents.scripted_llm import call

KEY = SecretStr("sk-canary-0123456789")
WIDE = Limits()
ORDER = (
    ("import_user_dataset", ""),
    ("repair_dataset", "import_user_dataset"),
    ("split_for_training", "repair_dataset"),
)


def prepare(handler: BaseHTTPRequestHandler, asked: Asked) -> None:
    """Do the Data Manager's work as a model would: a tool a turn, then the answer."""
    seen = {
        one["name"]: json.loads(one["content"])
        for one in asked.body["messages"]
        if one["role"] == "tool"
    }
    for tool, source in ORDER:
        if tool not in seen:
            named: dict[str, Any] = {"dataset": seen[source]["dataset"]} if source else {}
            named |= {"repairs": ["redact", "remove_invalid"]} if tool == "repair_dataset" else {}
            return send(handler, completion(tool_calls=call(tool, **named)))
    parts = {part: seen["split_for_training"][part] for part in ("train", "validation", "heldout")}
    answer = DataDecision(verdict="fit after repairs", reasons="Faulty rows are gone.", **parts)
    return send(handler, completion(answer.model_dump_json()))


def always(body: bytes, status: int = 200, **headers: str) -> Reply:
    return lambda handler, _: send(handler, body, status, **headers)


def judge(
    desk: Desk, url: str, model: str = "any", limits: Limits = WIDE
) -> tuple[DataDecision, Receipt]:
    """Let the model at `url` judge the data of `desk`. Its receipt does not hold the key."""
    desk.studio = replace(desk.studio, llm=connect(url, model, KEY, limits=limits))
    decision = judge_data(desk)
    receipt = receipt_of(desk)
    assert KEY.get_secret_value() not in receipt.model_dump_json()
    return decision, receipt

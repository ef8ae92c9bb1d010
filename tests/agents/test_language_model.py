"""CrewAI's OpenAI client against real servers on loopback that answer as they should."""

import json
import logging
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from pydantic import SecretStr

from agents.data_manager import judge_data
from agents.desk import Desk
from agents.language_model import connect
from tests.agents.on_desk import receipt_of
from tests.agents.openai_server import TOKENS, Asked, completion, send, serving
from tests.agents.scripted_llm import call
from tests.agents.served_model import KEY, ORDER, always, judge, prepare
from tools.errors import ModelError

ROOT = Path(__file__).parents[2]
LayDesk = Callable[..., Desk]


@pytest.mark.parametrize("model", ["Qwen/Qwen3-8B", "gemini-2.5-pro", "o1-mini", "gpt-5", "claude"])
def test_a_model_of_any_name_works_through_its_tools_at_the_address_given(
    empty_desk: LayDesk, model: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with serving(prepare) as server:
        decision, receipt = judge(empty_desk(), server.url, model)

    assert decision.reasons == "Faulty rows are gone."
    assert (receipt.model, receipt.fell_back, receipt.tokens) == (model, None, 4 * TOKENS)
    assert [one.tool for one in receipt.tool_calls] == [tool for tool, _ in ORDER]
    assert [one.path for one in server.asked] == ["/v1/chat/completions"] * 4
    assert {one.headers["authorization"] for one in server.asked} == {
        f"Bearer {KEY.get_secret_value()}"
    }
    assert {one.body["model"] for one in server.asked} == {model}
    offered = [one["function"]["name"] for one in server.asked[0].body["tools"]]
    assert "split_for_training" in offered
    assert KEY.get_secret_value() not in caplog.text


def test_several_tools_asked_for_at_once_run_in_their_order(empty_desk: LayDesk) -> None:
    both = [*call("import_user_dataset"), *call("audit_dataset", dataset="nonesuch")]

    def reply(handler: BaseHTTPRequestHandler, asked: Asked) -> None:
        messages = asked.body["messages"]
        if not any(one["role"] == "tool" for one in messages):
            return send(handler, completion(tool_calls=both))
        asked.body["messages"] = [one for one in messages if one.get("name") != "audit_dataset"]
        return prepare(handler, asked)

    with serving(reply) as server:
        _, receipt = judge(empty_desk(), server.url)

    assert receipt.fell_back is None
    assert [one.tool for one in receipt.tool_calls][:2] == [
        "import_user_dataset",
        "audit_dataset",
    ]
    assert "datasets are: colours-" in str(receipt.tool_calls[1].refusal)


def test_tokens_of_answers_that_were_refused_are_counted(empty_desk: LayDesk) -> None:
    with serving(always(completion("I think the data is fine!"))) as server:
        _, receipt = judge(empty_desk(), server.url)

    assert receipt.model == "rules"
    assert receipt.fell_back is not None
    assert len(server.asked) == 3
    assert receipt.tokens == 3 * TOKENS


def test_a_receipt_counts_the_tokens_of_its_own_step_alone(empty_desk: LayDesk) -> None:
    desks = (empty_desk(), empty_desk())
    with serving(prepare) as server:
        llm = connect(server.url, "any", KEY)
        for desk in desks:
            desk.studio = replace(desk.studio, llm=llm)
            judge_data(desk)

    assert [receipt_of(desk).tokens for desk in desks] == [4 * TOKENS, 4 * TOKENS]


def test_an_endpoint_that_was_busy_is_heard_after_the_pause_it_asked_for(
    empty_desk: LayDesk,
) -> None:
    def reply(handler: BaseHTTPRequestHandler, asked: Asked) -> None:
        if len(server.asked) == 1:
            return send(handler, b"{}", 429, retry_after="1")
        return prepare(handler, asked)

    with serving(reply) as server:
        _, receipt = judge(empty_desk(), server.url)

    assert receipt.fell_back is None
    assert len(server.asked) == 5


def test_a_key_repeated_in_an_answer_is_not_kept(empty_desk: LayDesk) -> None:
    def reply(handler: BaseHTTPRequestHandler, asked: Asked) -> None:
        if len(server.asked) == 1:  # an answer that gives up wants a tool that refused
            return send(handler, completion(tool_calls=call("audit_dataset", dataset="none")))
        said = {"verdict": "not fit", "reasons": f"You are {asked.headers['authorization']}."}
        return send(handler, completion(json.dumps(said)))

    with serving(reply) as server:
        decision, _ = judge(empty_desk(), server.url)

    assert decision.reasons == "You are Bearer [key]."


@pytest.mark.parametrize(
    "url",
    ["", " ", "127.0.0.1:11434", "ftp://host/v1", "http://", "http://anna:sk-1@host/v1", "\x00"],
)
def test_what_is_no_address_of_a_server_is_refused(url: str) -> None:
    with pytest.raises(ModelError, match="The address of the language model") as refused:
        connect(url, "any", KEY)

    assert "sk-1" not in str(refused.value)


NOWHERE = "http://127.0.0.1:9/canary"
CANARIES = {
    **{f"OPENAI_{name}": NOWHERE for name in ("BASE_URL", "API_BASE")},
    **{
        f"OPENAI_{name}": "canary"
        for name in ("API_KEY", "ORG_ID", "PROJECT_ID", "ADMIN_KEY", "MODEL_NAME")
    },
    "OPENAI_CUSTOM_HEADERS": "X-Canary: canary",
    **dict.fromkeys(("HTTP_PROXY", "http_proxy", "ALL_PROXY"), NOWHERE),
}


@pytest.mark.slow
@pytest.mark.parametrize("key", [None, SecretStr(""), SecretStr("sk-with-a-line-end\n")])
def test_the_environment_neither_redirects_nor_leaks(key: SecretStr | None) -> None:
    script = f"""
from pydantic import SecretStr
from agents.language_model import connect
from tests.agents.openai_server import completion, send, serving

with serving(lambda handler, _: send(handler, completion("here"))) as server:
    key = {key.get_secret_value() if key else None!r}
    llm = connect(server.url, "any", SecretStr(key) if key is not None else None)
    print(llm.call("Where?"), dict(server.asked[0].headers))
"""
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env={**os.environ, **CANARIES, "CREWAI_DISABLE_TELEMETRY": "true"},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )

    assert done.stdout.startswith("here ")
    assert "canary" not in done.stdout.lower()
    sent = "sk-with-a-line-end" if key and key.get_secret_value() else "none"
    assert f"'Bearer {sent}'" in done.stdout

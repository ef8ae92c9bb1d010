"""CrewAI's OpenAI client against real servers on loopback: sound, broken and hostile ones."""

import json
import logging
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from agents.answers import DataDecision
from agents.data_manager import judge_data
from agents.desk import Desk
from agents.job import FineTuneJob, Studio
from agents.language_model import Limits, connect
from agents.receipts import Receipt
from tests.agents.openai_server import TOKENS, Asked, Reply, completion, send, serving
from tests.agents.scripted_llm import call
from tests.listener import Listener
from tools.errors import ModelError

ROOT = Path(__file__).parents[2]
KEY = SecretStr("sk-canary-0123456789")
WIDE = Limits()
QUICK = Limits(seconds_an_answer=3, seconds_a_step=6)
ORDER = (
    ("import_user_dataset", ""),
    ("remove_invalid_rows", "import_user_dataset"),
    ("split_for_training", "remove_invalid_rows"),
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
            named = {"dataset": seen[source]["dataset"]} if source else {}
            return send(handler, completion(tool_calls=call(tool, **named)))
    parts = {part: seen["split_for_training"][part] for part in ("train", "validation", "heldout")}
    answer = DataDecision(verdict="fit after repairs", reasons="Faulty rows are gone.", **parts)
    return send(handler, completion(answer.model_dump_json()))


def always(body: bytes, status: int = 200, **headers: str) -> Reply:
    return lambda handler, _: send(handler, body, status, **headers)


def judge(
    studio: Studio, job: FineTuneJob, url: str, model: str = "any", limits: Limits = WIDE
) -> tuple[DataDecision, Receipt, Desk]:
    llm = connect(url, model, KEY, limits=limits)
    desk = Desk(replace(studio, llm=llm), job, studio.workspace.new_run())
    decision = judge_data(desk)
    text = (desk.folder / "receipts" / "1-data_manager.json").read_text(encoding="utf-8")
    assert KEY.get_secret_value() not in text
    return decision, Receipt.model_validate_json(text), desk


@pytest.mark.parametrize("model", ["Qwen/Qwen3-8B", "gemini-2.5-pro", "o1-mini", "gpt-5", "claude"])
def test_a_model_of_any_name_works_through_its_tools_at_the_address_given(
    studio: Studio, job: FineTuneJob, model: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with serving(prepare) as server:
        decision, receipt, _ = judge(studio, job, server.url, model)

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


def test_several_tools_asked_for_at_once_run_in_their_order(
    studio: Studio, job: FineTuneJob
) -> None:
    both = [*call("import_user_dataset"), *call("profile_dataset", dataset="nonesuch")]

    def reply(handler: BaseHTTPRequestHandler, asked: Asked) -> None:
        messages = asked.body["messages"]
        if not any(one["role"] == "tool" for one in messages):
            return send(handler, completion(tool_calls=both))
        asked.body["messages"] = [one for one in messages if one.get("name") != "profile_dataset"]
        return prepare(handler, asked)

    with serving(reply) as server:
        _, receipt, _ = judge(studio, job, server.url)

    assert receipt.fell_back is None
    assert [one.tool for one in receipt.tool_calls][:2] == [
        "import_user_dataset",
        "profile_dataset",
    ]
    assert "datasets are: colours-" in str(receipt.tool_calls[1].refusal)


def half(handler: BaseHTTPRequestHandler, _: Asked) -> None:
    """Promise more than is sent."""
    send(handler, completion("never mind")[:40], content_length="4000")
    handler.close_connection = True


def flood(handler: BaseHTTPRequestHandler, _: Asked) -> None:
    """Send 200 MB."""
    send(handler, b"{", content_length=str(200 << 20))
    for _part in range(200):
        handler.wfile.write(b" " * (1 << 20))


def dribble(handler: BaseHTTPRequestHandler, _: Asked) -> None:
    """Send a byte of the body every tenth of a second, far below any pause."""
    send(handler, b"", content_length="100000")
    for _byte in range(60):
        handler.wfile.write(b" ")
        time.sleep(0.1)


def dribble_headers(handler: BaseHTTPRequestHandler, _: Asked) -> None:
    """Never come to the end of the headers."""
    for byte in b"HTTP/1.1 200 OK\r\nx: " + b"y" * 40:
        handler.wfile.write(bytes([byte]))
        time.sleep(0.1)


def elsewhere(handler: BaseHTTPRequestHandler, asked: Asked) -> None:
    """Redirect, and answer well there."""
    if asked.path.startswith("/v1"):
        send(handler, b"", 307, location="/elsewhere")
    else:
        prepare(handler, asked)


def echo(handler: BaseHTTPRequestHandler, asked: Asked) -> None:
    """Complain about the key, showing it, as hosted endpoints do."""
    key = asked.headers["authorization"]
    send(handler, json.dumps({"error": {"message": f"Incorrect key: {key}"}}).encode(), 401)


NO_FORM = "The endpoint's answer does not have the form of the OpenAI API."
BROKEN: dict[str, tuple[Reply, str]] = {
    "500": (always(b"Traceback: /srv/model.py", 500), "The endpoint failed (HTTP 500)."),
    "429": (
        always(b"{}", 429, retry_after="3600"),
        "The endpoint is asked too often (HTTP 429).",
    ),
    "429, come back soon": (
        always(b"{}", 429, retry_after="1"),
        "The endpoint is asked too often (HTTP 429).",
    ),
    "400": (
        always(b'{"error": {"message": "no tools at /srv"}}', 400),
        "The endpoint did not accept the request; can the model call tools? (HTTP 400).",
    ),
    "404": (always(b"{}", 404), "The endpoint knows no such address or model (HTTP 404)."),
    "401": (echo, "The endpoint did not accept the key (HTTP 401)."),
    "307": (elsewhere, "The endpoint points elsewhere, which is not followed (HTTP 307)."),
    "a page": (always(b"<html>Welcome</html>", content_type="text/html"), NO_FORM),
    "half an answer": (half, "The endpoint cannot be reached, or broke off."),
    "half a JSON": (always(completion("never mind")[:40]), NO_FORM),
    "no choice": (always(b'{"choices": []}'), NO_FORM),
    "null": (always(b"null"), NO_FORM),
    "bytes": (always(b"\xff\x00" * 50), NO_FORM),
    "200 MB": (flood, "The endpoint's answer has more than 1048576 bytes."),
    "packed": (always(b"\x1f\x8b\x08", content_encoding="gzip"), NO_FORM),
    "a slow body": (dribble, "The endpoint did not answer within 3 s."),
    "slow headers": (dribble_headers, "The endpoint did not answer within 3 s."),
    "silence": (lambda *_: time.sleep(6), "The endpoint did not answer within 3 s."),
}


@pytest.mark.parametrize("reply", BROKEN)
def test_a_broken_endpoint_is_replaced_by_the_rules_in_bounded_time(
    studio: Studio, job: FineTuneJob, reply: str, caplog: pytest.LogCaptureFixture
) -> None:
    serve, reason = BROKEN[reply]
    with serving(serve) as server:
        started = time.monotonic()
        decision, receipt, desk = judge(studio, job, server.url, limits=QUICK)
        seconds = time.monotonic() - started

    assert decision.verdict == "fit after repairs"
    assert (receipt.fell_back, receipt.model) == (reason, "rules")
    assert len(desk.calls) == 6  # of the rules
    assert seconds < 8
    assert KEY.get_secret_value() not in caplog.text
    listener = studio.progress
    assert isinstance(listener, Listener)
    assert f"The model 'any' gave no usable answer: {reason}" in listener.logs


def test_nobody_there_is_replaced_by_the_rules(studio: Studio, job: FineTuneJob) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/v1"
        decision, receipt, _ = judge(studio, job, url)

    assert decision.verdict == "fit after repairs"
    assert receipt.fell_back == "The endpoint cannot be reached, or broke off."


def test_an_endpoint_that_was_busy_is_heard_after_the_pause_it_asked_for(
    studio: Studio, job: FineTuneJob
) -> None:
    def reply(handler: BaseHTTPRequestHandler, asked: Asked) -> None:
        if len(server.asked) == 1:
            return send(handler, b"{}", 429, retry_after="1")
        return prepare(handler, asked)

    with serving(reply) as server:
        _, receipt, _ = judge(studio, job, server.url)

    assert receipt.fell_back is None
    assert len(server.asked) == 5


def test_the_endpoints_of_one_step_share_a_budget(studio: Studio, job: FineTuneJob) -> None:
    def reply(handler: BaseHTTPRequestHandler, asked: Asked) -> None:
        time.sleep(0.6)
        send(handler, completion(tool_calls=call("delete_everything", path="/")))

    limits = Limits(seconds_an_answer=5, seconds_a_step=1.5)
    with serving(reply) as server:
        decision, receipt, _ = judge(studio, job, server.url, limits=limits)

    assert decision.verdict == "fit after repairs"
    assert str(receipt.fell_back).startswith("The endpoint ")
    assert len(server.asked) <= 4


def bad_arguments(text: str) -> list[dict[str, Any]]:
    function = {"name": "import_user_dataset", "arguments": text}
    return [{"id": "call_1", "type": "function", "function": function}]


CIRCLES: dict[str, Callable[[], list[dict[str, Any]]]] = {
    "an unknown tool": lambda: call("delete_everything", path="/"),
    "the same tool": lambda: call("import_user_dataset"),
    "no JSON": lambda: bad_arguments("{dataset: /etc"),
    "a list": lambda: bad_arguments("[1, 2]"),
    "null": lambda: bad_arguments("null"),
    "no text": lambda: bad_arguments(""),
    "an argument too many": lambda: call("import_user_dataset", path="/etc/passwd"),
    "a hundred at once": lambda: call("import_user_dataset") * 100,
}


AGAIN = "The model made the same call again and again."
NO_CALLS = "The model's calls do not have the form of the OpenAI API."


@pytest.mark.parametrize("tool_calls", CIRCLES)
def test_a_model_that_goes_round_in_circles_is_stopped(
    studio: Studio, job: FineTuneJob, tool_calls: str
) -> None:
    with serving(always(completion(tool_calls=CIRCLES[tool_calls]()))) as server:
        decision, receipt, desk = judge(studio, job, server.url)

    assert decision.verdict == "fit after repairs"
    assert receipt.fell_back in (AGAIN, NO_CALLS)
    assert len(server.asked) <= 3 * 21
    assert [one.tool for one in desk.calls].count("import_user_dataset") <= 6


def test_a_key_repeated_in_an_answer_is_not_kept(studio: Studio, job: FineTuneJob) -> None:
    def reply(handler: BaseHTTPRequestHandler, asked: Asked) -> None:
        said = {"verdict": "not fit", "reasons": f"You are {asked.headers['authorization']}."}
        send(handler, completion(json.dumps(said)))

    with serving(reply) as server:
        decision, _, _ = judge(studio, job, server.url)

    assert decision.reasons == "You are Bearer [key]."


@pytest.mark.parametrize(
    "url",
    ["", " ", "127.0.0.1:11434", "ftp://host/v1", "http://", "http://anna:sk-1@host/v1", "\x00"],
)
def test_what_is_no_address_of_a_server_is_refused(url: str) -> None:
    with pytest.raises(ModelError, match="The address of the language model") as refused:
        connect(url, "any", KEY)

    assert "sk-1" not in str(refused.value)


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
    nowhere = "http://127.0.0.1:9/canary"
    canaries = {
        **{f"OPENAI_{name}": nowhere for name in ("BASE_URL", "API_BASE")},
        **{
            f"OPENAI_{name}": "canary"
            for name in ("API_KEY", "ORG_ID", "PROJECT_ID", "ADMIN_KEY", "MODEL_NAME")
        },
        "OPENAI_CUSTOM_HEADERS": "X-Canary: canary",
        **dict.fromkeys(("HTTP_PROXY", "http_proxy", "ALL_PROXY"), nowhere),
    }
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env={**os.environ, **canaries, "CREWAI_DISABLE_TELEMETRY": "true"},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )

    assert done.stdout.startswith("here ")
    assert "canary" not in done.stdout.lower()
    sent = "sk-with-a-line-end" if key and key.get_secret_value() else "none"
    assert f"'Bearer {sent}'" in done.stdout

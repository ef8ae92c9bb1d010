"""CrewAI's OpenAI client against real servers on loopback that are broken, slow or hostile."""

import json
import socket
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from agents.desk import Desk
from agents.language_model import MOST_RETRIES, Limits
from tests.agents.on_desk import logs
from tests.agents.openai_server import Asked, Reply, completion, send, serving
from tests.agents.scripted_llm import call
from tests.agents.served_model import KEY, always, judge, prepare

LayDesk = Callable[..., Desk]
QUICK, PATIENT = (
    Limits(seconds_an_answer=3, seconds_a_step=6),
    Limits(seconds_an_answer=60, seconds_a_step=120),
)
FOREVER = 50  # seconds: far beyond the limits, on however busy a machine


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
    empty_desk: LayDesk, reply: str, caplog: pytest.LogCaptureFixture
) -> None:
    serve, reason = BROKEN[reply]
    with serving(serve) as server:
        desk, started = empty_desk(), time.monotonic()
        slow = reason.endswith("within 3 s.")
        decision, receipt = judge(desk, server.url, limits=QUICK if slow else PATIENT)
        seconds = time.monotonic() - started

    assert decision.verdict == "fit after repairs"
    assert (receipt.fell_back, receipt.model) == (reason, "rules")
    assert len(desk.calls) == 4  # of the rules
    assert seconds < FOREVER
    assert KEY.get_secret_value() not in caplog.text
    assert len(server.asked) <= 1 + MOST_RETRIES
    assert logs(desk)[:2] == [
        f"The model 'any' gave no usable answer: {reason}",
        "The rules decide in its place.",
    ]


def test_nobody_there_is_replaced_by_the_rules(empty_desk: LayDesk) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/v1"
        decision, receipt = judge(empty_desk(), url)

    assert decision.verdict == "fit after repairs"
    assert receipt.fell_back == "The endpoint cannot be reached, or broke off."


def connections_to(listener: socket.socket) -> int:
    """Return how many connections wait to be answered, and close them."""
    listener.setblocking(False)
    count = 0
    while True:
        try:
            listener.accept()[0].close()
        except BlockingIOError:
            return count
        count += 1


def test_an_endpoint_that_takes_the_call_and_never_answers_costs_the_time_set(
    empty_desk: LayDesk,
) -> None:
    desk, limits = empty_desk(), Limits(seconds_an_answer=1)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        started = time.monotonic()
        decision, receipt = judge(
            desk, f"http://127.0.0.1:{listener.getsockname()[1]}/v1", limits=limits
        )
        seconds = time.monotonic() - started
        connections = connections_to(listener)

    assert 1 <= connections <= 1 + MOST_RETRIES
    assert 1 <= seconds < FOREVER
    assert decision.verdict == "fit after repairs"
    assert (receipt.model, receipt.tokens) == ("rules", 0)
    assert receipt.fell_back == "The endpoint did not answer within 1 s."
    assert logs(desk)[:2] == [
        "The model 'any' gave no usable answer: The endpoint did not answer within 1 s.",
        "The rules decide in its place.",
    ]


def test_an_endpoint_that_hangs_up_is_asked_again_as_often_as_stated(empty_desk: LayDesk) -> None:
    def hang_up(handler: BaseHTTPRequestHandler, _: Asked) -> None:
        handler.close_connection = True

    with serving(hang_up) as server:
        _, receipt = judge(empty_desk(), server.url)

    assert len(server.asked) == 1 + MOST_RETRIES
    assert receipt.fell_back == "The endpoint cannot be reached, or broke off."


def test_the_endpoints_of_one_step_share_a_budget(empty_desk: LayDesk) -> None:
    def reply(handler: BaseHTTPRequestHandler, asked: Asked) -> None:
        time.sleep(0.6)
        send(handler, completion(tool_calls=call("delete_everything", path="/")))

    limits = Limits(seconds_an_answer=5, seconds_a_step=1.5)
    with serving(reply) as server:
        decision, receipt = judge(empty_desk(), server.url, limits=limits)

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
    empty_desk: LayDesk, tool_calls: str
) -> None:
    with serving(always(completion(tool_calls=CIRCLES[tool_calls]()))) as server:
        desk = empty_desk()
        decision, receipt = judge(desk, server.url)

    assert decision.verdict == "fit after repairs"
    assert receipt.fell_back in (AGAIN, NO_CALLS)
    assert len(server.asked) <= 3 * 21
    assert [one.tool for one in desk.calls].count("import_user_dataset") <= 6

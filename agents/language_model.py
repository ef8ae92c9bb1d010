"""Connect to a language model at any OpenAI-compatible endpoint (Ollama, vLLM, hosted ones).

CrewAI's own OpenAI client talks; what it sends and what it gets passes a border here. The address
and the key are the ones given: headers, keys, addresses and proxies set in the environment are not
used, and redirects are not followed. An endpoint that is slow, talks without end or talks nonsense
costs at most the time in `Limits`. Why it failed is said in our words; its own are not repeated.
"""

import math
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
from crewai.llms.base_llm import BaseLLM
from crewai.llms.hooks.base import BaseInterceptor
from crewai.llms.providers.openai.completion import OpenAICompletion
from openai import APIConnectionError, APIStatusError
from pydantic import PrivateAttr, SecretStr

from tools.errors import ModelError

MOST_RETRIES = 1  # of a question that got no answer, while its time lasts
_SENT = {"host", "content-type", "content-length", "accept", "user-agent", "authorization"}
_REASONS = {
    401: "did not accept the key",
    403: "did not accept the key",
    404: "knows no such address or model",
    429: "is asked too often",
}


class EndpointError(Exception):
    """The endpoint gave no answer. The text is one plain line without secrets."""


@dataclass(frozen=True)
class Limits:
    """What an endpoint may cost. A local model on a CPU may take two minutes for an answer."""

    seconds_an_answer: float = 120
    seconds_a_step: float = 900
    bytes_an_answer: int = 1 << 20


def connect(
    base_url: str, model: str, api_key: SecretStr | None = None, *, limits: Limits | None = None
) -> BaseLLM:
    """Return the model `model` at `base_url`, e.g. `http://127.0.0.1:11434/v1`.

    Raises:
        ModelError: `base_url` is not the address of a server.
    """
    _check_address(base_url)
    key = (api_key.get_secret_value() if api_key else "").strip()
    border = _Border(key, limits or Limits())
    llm = EndpointLLM(
        model=model,
        base_url=base_url.strip(),
        api_key=key or "none",  # the client insists on one; local servers ignore it
        custom_openai=True,  # whatever the model's name looks like, it is served there
        temperature=0.0,
        timeout=border.limits.seconds_an_answer,
        max_retries=MOST_RETRIES,
        interceptor=border,
    )
    llm.is_o1_model = False  # CrewAI goes by the name and would keep the tools from it
    return llm


def _check_address(base_url: str) -> None:
    try:
        url = httpx.URL(base_url.strip())
    except httpx.InvalidURL:
        url = httpx.URL("")
    if url.scheme not in ("http", "https") or not url.host:
        raise ModelError(
            "The address of the language model must look like http://127.0.0.1:11434/v1."
        )
    if url.userinfo:
        raise ModelError(
            "The address of the language model holds a name or a password. Give a key instead."
        )


class EndpointLLM(OpenAICompletion):
    """CrewAI's OpenAI client with bounded calls, and errors that may be shown."""

    _task: object = PrivateAttr(default=None)
    _step_left: float = PrivateAttr(default=math.inf)

    def call(self, *given: Any, **named: Any) -> Any:
        """Ask once.

        Raises:
            EndpointError: No answer came, or the time of the step is used up.
        """
        border = self.interceptor
        if not isinstance(border, _Border):
            raise TypeError("Only `connect` makes this.")
        task = named.get("from_task")
        if task is not None and task is not self._task:
            self._task, self._step_left = task, border.limits.seconds_a_step
        started = time.monotonic()
        problem = f"The endpoint took more than {border.limits.seconds_a_step:g} s in one step."
        if self._step_left > 0:
            border.allow(min(self._step_left, border.limits.seconds_an_answer))
            try:
                return super().call(*given, **named)
            except Exception as error:
                problem = _in_our_words(error)
            finally:
                self._step_left -= time.monotonic() - started
        # Outside the `except`, so that nothing of the client's error hangs on ours.
        raise EndpointError(problem)

    def supports_function_calling(self) -> bool:
        """Hand every model the tools in the OpenAI shape."""
        return True

    def get_input_tokens_count(self, *_: Any, **__: Any) -> int:
        """Return 0: CrewAI takes the window of a model it does not know for a small one.

        It would put the tools' reports away in files. The server knows its window, and says so.
        """
        return 0


class _Border(BaseInterceptor[httpx.Request, httpx.Response]):
    """What passes between the client and the endpoint, in both directions."""

    def __init__(self, key: str, limits: Limits) -> None:
        self.limits = limits
        self._key = key.encode()
        self._seconds, self._deadline = 0.0, 0.0
        self._cut: threading.Timer | None = None

    def allow(self, seconds: float) -> None:
        """Give the next answer, with all its attempts, so much time."""
        self._seconds, self._deadline = seconds, time.monotonic() + seconds

    def on_outbound(self, message: httpx.Request) -> httpx.Request:
        """Send no header but ours, on a connection that is cut when the time is up."""
        left = self._left()
        sent = {name: message.headers[name] for name in message.headers if name in _SENT}
        # A fresh connection and a plain body: what is read is what is counted.
        sent |= {"connection": "close", "accept-encoding": "identity"}
        extensions = {
            "timeout": dict.fromkeys(("connect", "read", "write", "pool"), left),
            "trace": self._watch,
        }
        # A new request: the client goes by the headers of its own when it reads the answer.
        return httpx.Request(
            message.method, message.url, headers=sent, stream=message.stream, extensions=extensions
        )

    def on_inbound(self, message: httpx.Response) -> httpx.Response:
        """Read the answer within its limits. Of a failure only the status passes."""
        with self._to_the_end(message):
            if message.status_code != httpx.codes.OK:
                return httpx.Response(message.status_code, headers=self._wait(message))
            body = self._read(message)
        kind = message.headers.get("content-type", "")
        if self._key:
            body = body.replace(self._key, b"[key]")
        return httpx.Response(message.status_code, headers={"content-type": kind}, content=body)

    def _read(self, message: httpx.Response) -> bytes:
        body = bytearray()
        for chunk in message.iter_raw():
            body += chunk
            self._left()
            if len(body) > self.limits.bytes_an_answer:
                raise EndpointError(
                    f"The endpoint's answer has more than {self.limits.bytes_an_answer} bytes."
                )
        return bytes(body)

    def _wait(self, message: httpx.Response) -> dict[str, str]:
        """Return what to tell the client about asking again: not when the time is too short."""
        asked = message.headers.get("retry-after", "0")
        soon = asked.isdecimal() and float(asked) < self._left()
        return {"retry-after": asked} if soon else {"x-should-retry": "false"}

    def _left(self) -> float:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise EndpointError(f"The endpoint did not answer within {self._seconds:g} s.")
        return left

    @contextmanager
    def _to_the_end(self, message: httpx.Response) -> Iterator[None]:
        try:
            yield
        finally:
            message.close()
            self._stop_watching()

    def _watch(self, event: str, info: dict[str, Any]) -> None:
        """Cut the connection when the time is up: no pause in a dribble is long enough to."""
        if event == "connection.connect_tcp.complete":
            self._stop_watching()
            line = info["return_value"].get_extra_info("socket")
            self._cut = threading.Timer(max(0.0, self._deadline - time.monotonic()), _end, [line])
            self._cut.daemon = True
            self._cut.start()
        elif event.endswith(".failed"):
            self._stop_watching()

    def _stop_watching(self) -> None:
        if self._cut is not None:
            self._cut.cancel()
            self._cut = None


def _end(line: socket.socket) -> None:
    try:
        line.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # it has ended by itself


def _in_our_words(error: BaseException) -> str:
    for cause in _causes(error):
        if isinstance(cause, EndpointError):
            return str(cause)
        if isinstance(cause, httpx.TimeoutException):
            return "The endpoint did not answer in time."
        if isinstance(cause, APIStatusError):
            return _status_in_our_words(cause.status_code)
    if any(isinstance(cause, APIConnectionError | ConnectionError) for cause in _causes(error)):
        return "The endpoint cannot be reached, or broke off."
    return "The endpoint's answer does not have the form of the OpenAI API."


def _status_in_our_words(status: int) -> str:
    if status >= 500:
        reason = "failed"
    elif status < 400:
        reason = "points elsewhere, which is not followed"
    else:
        reason = _REASONS.get(status, "did not accept the request; can the model call tools?")
    return f"The endpoint {reason} (HTTP {status})."


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()  # CrewAI raises errors that are their own cause
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__

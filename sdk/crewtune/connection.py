"""Requests to the studio: signed, renewed, tried again, and refused in one shape.

Tried again are only requests whose repetition changes nothing: reading, deleting, and what carries
an Idempotency-Key. Not covered: what the studio can be asked for (`studio.py`).
"""

import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeVar
from urllib.parse import urlsplit
from uuid import uuid4

import httpx2
from pydantic import Field, SecretStr, TypeAdapter, ValidationError

from crewtune.credentials import Credentials, TokenStore
from crewtune.errors import NotSignedIn, Unreachable, not_understood, refusal
from crewtune.frozen import Frozen

_Answer = TypeVar("_Answer")

# The studio sends a sign of life every 10 s on a stream; whoever is silent for longer is gone.
TIMEOUT = httpx2.Timeout(60.0, connect=10.0)


class Retry(Frozen):
    """How often, and how patiently, a request is tried again."""

    attempts: int = Field(default=3, ge=1, description="Tries in all.")
    first_seconds: float = Field(default=0.3, ge=0, description="Pause before the second try.")
    longest_seconds: float = Field(default=10.0, ge=0, description="Pauses double up to this.")
    patience_seconds: float = Field(
        default=300.0, ge=0, description="How long `follow` waits for a studio that is away."
    )

    def asked(self, response: httpx2.Response) -> float | None:
        """Return for how long a busy studio asks to wait; None: it does not, or for too long."""
        after = response.headers.get("Retry-After", "")
        if response.status_code != 503 or not after.isdecimal():
            return None
        return float(after) if float(after) <= self.longest_seconds else None

    def pause(self, failures: int) -> float:
        """Return for how long to wait after so many failures."""
        most = min(self.first_seconds * 2.0 ** min(failures - 1, 30), self.longest_seconds)
        return most * random.uniform(0.5, 1.0)


class TokenPair(Frozen):
    """What the studio hands out to whoever signs in."""

    access_token: SecretStr
    refresh_token: SecretStr


class Connection:
    """Sends requests to the studio at `url`. May be used by several threads."""

    def __init__(self, url: str, http: httpx2.Client, store: TokenStore, retry: Retry) -> None:
        self.url = url
        self.store = store
        self.retry = retry
        self._http = http

    def get(self, answer: type[_Answer], path: str, **params: Any) -> _Answer:
        """Read something. Parameters that are None are left out."""
        given = {name: value for name, value in params.items() if value is not None}
        return self.ask(answer, "GET", path, params=given, repeatable=True)

    def start(
        self, answer: type[_Answer], path: str, body: dict[str, Any] | None = None
    ) -> _Answer:
        """Start something, once, however often the request must be sent."""
        headers = {"Idempotency-Key": uuid4().hex}
        given = {name: value for name, value in (body or {}).items() if value is not None}
        return self.ask(answer, "POST", path, json=given, headers=headers, repeatable=True)

    def ask(self, answer: type[_Answer], method: str, path: str, **request: Any) -> _Answer:
        """Send a request and return its answer as an `answer`."""
        response = self.send(method, path, **request)
        try:
            return TypeAdapter(answer).validate_json(response.content)
        except ValidationError as error:
            raise not_understood(response.request.url) from error

    def send(
        self,
        method: str,
        path: str,
        *,
        signed: bool = True,
        repeatable: bool = False,
        headers: dict[str, str] | None = None,
        **request: Any,
    ) -> httpx2.Response:
        """Send a request and return the answer to it.

        Raises:
            ApiError: It was refused, or there was no answer.
        """
        failures, renewed = 0, False
        while True:
            signature = self._signature() if signed else None
            more = failures + 1 < self.retry.attempts and repeatable
            response = self._try(method, path, {**(headers or {}), **_bearer(signature)}, **request)
            if isinstance(response, Unreachable):
                if not more:
                    raise response
                failures = self._wait(failures)
            elif response.is_success:
                return response
            elif response.status_code == 401 and signed and not renewed and self.renew(signature):
                renewed = True
            elif more and (pause := self.retry.asked(response)) is not None:
                failures = self._wait(failures, pause)
            else:
                raise refusal(response)

    @contextmanager
    def stream(self, path: str, last: int) -> Iterator[tuple[httpx2.EventSource, str | None]]:
        """Open a stream of events after number `last`; yield it, and what it was signed with.

        Raises:
            ApiError: It was refused, or the connection broke; also while it is read.
        """
        try:
            for renewed in (False, True):
                signature = self._signature()
                headers = {"Last-Event-ID": str(last), **_bearer(signature)}
                with self._http.stream("GET", self.url + path, headers=headers) as response:
                    if response.status_code == 401 and not renewed and self.renew(signature):
                        continue
                    if not response.is_success:
                        response.read()
                        raise refusal(response)
                    yield httpx2.EventSource(response), signature
                    return
        except httpx2.SSEError as error:
            raise not_understood(error.request.url) from error
        except httpx2.RequestError as error:
            raise self._unreachable(error) from error

    def renew(self, signature: str | None) -> bool:
        """Exchange the refresh token unless somebody did; return whether there is a new token."""
        with self.store.lock():
            kept = self.store.load()
            if kept is None or kept.api_key is not None or kept.refresh_token is None:
                return False
            if kept.signature != signature:
                return True
            # Never sent twice: a second use of the same token would end the session.
            body = {"refresh_token": kept.refresh_token.get_secret_value()}
            response = self._try("POST", "/api/auth/refresh", {}, json=body)
            if isinstance(response, Unreachable):
                raise response
            if response.status_code == 401:
                return False
            if not response.is_success:
                raise refusal(response)
            self.keep(response, kept.username)
            return True

    def keep(self, response: httpx2.Response, username: str | None) -> None:
        """Keep the tokens of an answer. Called inside the store's lock."""
        try:
            pair = TokenPair.model_validate_json(response.content)
        except ValidationError as error:
            raise not_understood(response.request.url) from error
        self.store.save(Credentials(username=username, **dict(pair)))

    def _try(
        self, method: str, path: str, headers: dict[str, str], **request: Any
    ) -> httpx2.Response | Unreachable:
        try:
            return self._http.request(method, self.url + path, headers=headers, **request)
        except httpx2.RequestError as error:
            return self._unreachable(error)

    def _wait(self, failures: int, pause: float | None = None) -> int:
        time.sleep(self.retry.pause(failures + 1) if pause is None else pause)
        return failures + 1

    def _signature(self) -> str | None:
        kept = self.store.load()
        return kept.signature if kept else None

    def _unreachable(self, error: httpx2.RequestError) -> Unreachable:
        if isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout):
            return Unreachable(
                f"Nothing answers at {self.url}. Start the studio with `make up`, "
                "or give the address it has."
            )
        if isinstance(error, httpx2.TimeoutException):
            return Unreachable(f"The studio at {self.url} did not answer in time. Try again.")
        return Unreachable(f"The connection to {self.url} broke. Try again.")


def checked_url(url: str) -> str:
    """Return the address of a studio without what may stand at its end.

    Raises:
        ValueError: It is no address.
    """
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        good = False
    if not good or parts.username or parts.query or parts.fragment:
        raise ValueError(f"{url!r} is no address of a studio. Write it like http://127.0.0.1:8000")
    return url.rstrip("/")


def is_local(url: str) -> bool:
    """Return whether `url` names this machine."""
    name = urlsplit(url).hostname or ""
    return name in ("localhost", "::1") or name.startswith("127.")


def _bearer(signature: str | None) -> dict[str, str]:
    if signature and not (signature.isascii() and signature.isprintable()):
        detail = "The token or API key holds characters that none has. Sign in again."
        raise NotSignedIn(401, "invalid_token", detail)
    return {"Authorization": f"Bearer {signature}"} if signature else {}

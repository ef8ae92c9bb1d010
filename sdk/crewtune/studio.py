"""`Studio`: everything that can be asked of a CrewTune studio, one method a button.

Not covered: asyncio. A `Studio` may be used by several threads.
"""

from types import TracebackType
from typing import Self

import httpx2
from pydantic import SecretStr

from crewtune.accounts import AccountCalls
from crewtune.connection import TIMEOUT, Connection, Retry, checked_url, is_local
from crewtune.credentials import Credentials, MemoryStore, TokenStore
from crewtune.datasets import DatasetCalls
from crewtune.jobs import JobCalls
from crewtune.system import SystemCalls
from crewtune.work import WorkCalls


class Studio(AccountCalls, JobCalls, DatasetCalls, WorkCalls, SystemCalls):
    """A client of the studio at `url`.

    Every method raises `ApiError` when it was refused or nothing answered.

    Args:
        url: Address of the studio.
        token: An access token. It ends after minutes, and then only a new one helps.
        api_key: A key made by `make_api_key`.
        store: Where tokens are kept, and renewed; by default in memory, for `sign_in`.
        http: Sends the requests; a test gives its own.
        retry: How patiently requests are tried again.

    Example:
        with Studio("http://127.0.0.1:8000", api_key="ct_...") as studio:
            job = studio.train("tiny-instruct", "requests")
            print(studio.wait(job.id).status)
    """

    def __init__(
        self,
        url: str,
        *,
        token: str | None = None,
        api_key: str | None = None,
        store: TokenStore | None = None,
        http: httpx2.Client | None = None,
        retry: Retry | None = None,
    ) -> None:
        if sum(one is not None for one in (token, api_key, store)) > 1:
            raise ValueError("Give one of token, api_key and store.")
        url = checked_url(url)
        if store is None:
            store = MemoryStore(_credentials(token, api_key))
        self._own = http is None
        # A proxy is for the world outside: this machine is asked directly.
        self._http = http or httpx2.Client(timeout=TIMEOUT, trust_env=not is_local(url))
        super().__init__(Connection(url, self._http, store, retry or Retry()))

    @property
    def url(self) -> str:
        """Address of the studio."""
        return self._connection.url

    def close(self) -> None:
        """Close the connections, unless they are another's."""
        if self._own:
            self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _credentials(token: str | None, api_key: str | None) -> Credentials:
    return Credentials(
        access_token=None if token is None else SecretStr(token),
        api_key=None if api_key is None else SecretStr(api_key),
    )

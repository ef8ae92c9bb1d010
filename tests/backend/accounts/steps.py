"""What the tests of accounts do over and over."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from pydantic import SecretStr

from backend.accounts.accounts import Accounts
from backend.accounts.authenticate import Caller
from backend.accounts.registration import Registration, Setup
from backend.accounts.sessions import TokenPair
from backend.errors import Refusal
from tests.backend.api import PASSWORD

ADDRESS = "192.0.2.1"


def setup(code: str | None, username: str = "anna") -> Setup:
    return Setup(username=username, password=SecretStr(PASSWORD), setup_code=code or "")


def registration(username: str, code: str | None = None) -> Registration:
    return Registration(username=username, password=SecretStr(PASSWORD), invitation_code=code)


def at_once(*steps: Callable[[], Any]) -> list[Any]:
    """Run `steps` in threads that begin together, and return results or refusals."""
    ready = threading.Barrier(len(steps))

    def run(step: Callable[[], Any]) -> Any:
        ready.wait(10)
        try:
            return step()
        except Refusal as refusal:
            return refusal.status_code

    with ThreadPoolExecutor(len(steps)) as pool:
        return list(pool.map(run, steps))


def sign_in(accounts: Accounts, username: str = "anna", password: str = PASSWORD) -> TokenPair:
    return accounts.sign_in.with_password(username, password, ADDRESS)


def caller(accounts: Accounts, token: str) -> Caller:
    return accounts.authenticator.caller([f"Bearer {token}"])


def status_of(step: Callable[[], Any]) -> int:
    """Return the status with which `step` is refused, or 200."""
    try:
        step()
    except Refusal as refusal:
        return refusal.status_code
    return 200

"""The real API in this process, a clock that can be moved, and people who sign in to it."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Engine
from starlette.testclient import TestClient

from backend.accounts.accounts import Accounts, open_accounts
from backend.accounts.setup_code import ensure_setup_code
from backend.jobs.local_runner import Runner
from backend.main import create_app
from backend.security.passwords import Passwords
from backend.settings import Settings

SECRET = "only-for-tests-0123456789-abcdefghijklmnop"
PASSWORD = "a quiet river runs north"
ROUNDS = 4  # the fewest that bcrypt takes: a millisecond


class MovableClock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def move(self, **by: float) -> None:
        self.now += timedelta(**by)


@dataclass
class Person:
    """Someone who is signed in."""

    username: str
    id: str
    access_token: str
    refresh_token: str

    @property
    def headers(self) -> dict[str, str]:
        return bearer(self.access_token)


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def accounts_on(engine: Engine, clock: MovableClock) -> Accounts:
    """What the routes call, over any database."""
    return open_accounts(engine, clock, SECRET.encode(), Passwords(ROUNDS))


class Api:
    """The application and a client of it."""

    def __init__(
        self, engine: Engine, folder: Path, *, runner: Runner | None = None, **settings: Any
    ) -> None:
        self.engine = engine
        self.clock = MovableClock()
        given = {"CREWTUNE_DATA_DIR": folder, "CREWTUNE_SECRET_KEY": SECRET, **settings}
        self.settings = Settings(_env_file=None, **given)
        self.app = create_app(
            self.settings, engine, clock=self.clock, password_rounds=ROUNDS, runner=runner
        )
        self.client = self.new_client()

    def new_client(self) -> TestClient:
        return TestClient(self.app, base_url="http://localhost", raise_server_exceptions=False)

    def add_person(self, username: str, role: str) -> Person:
        """Make an account as people do, and sign in."""
        if username == "anna":
            code = ensure_setup_code(self.engine)
            path, extra = "setup", {"setup_code": code}
        else:
            anna = self.sign_in("anna")
            invitation = self.client.post(
                "/api/invitations", json={"role": role}, headers=anna.headers
            )
            path, extra = "register", {"invitation_code": invitation.json()["code"]}
        made = self.client.post(
            f"/api/auth/{path}", json={"username": username, "password": PASSWORD, **extra}
        )
        assert made.status_code == 201, made.text
        return self.sign_in(username)

    def sign_in(self, username: str, password: str = PASSWORD) -> Person:
        given = {"username": username, "password": password}
        tokens = self.client.post("/api/auth/token", data=given)
        assert tokens.status_code == 200, tokens.text
        access, refresh = tokens.json()["access_token"], tokens.json()["refresh_token"]
        me = self.client.get("/api/users/me", headers=bearer(access))
        return Person(username, me.json()["id"], access, refresh)

    def make_key(self, person: Person, *scopes: str) -> dict[str, Any]:
        asked = {"name": "for a script", "scopes": scopes}
        made = self.client.post("/api/auth/api-keys", json=asked, headers=person.headers)
        assert made.status_code == 201, made.text
        return dict(made.json())

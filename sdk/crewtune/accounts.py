"""Who one is: sign in and out, make an account, API keys; and for admins users and invitations."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import Field, SecretStr

from crewtune.calls import Calls, part
from crewtune.frozen import Frozen


class User(Frozen):
    """A person with an account."""

    id: UUID
    username: str
    role: str = Field(description="admin, member or viewer.")
    active: bool
    created_at: datetime


class Registration(Frozen):
    """Which way to an account is open."""

    setup_needed: bool = Field(description="There is no account yet: use the setup code.")
    open: bool = Field(description="Anyone may register.")


class ApiKey(Frozen):
    """A key that a program signs in with, without its secret."""

    id: UUID
    name: str
    start: str = Field(description="Its first characters, to tell keys apart.")
    scopes: tuple[str, ...]
    created_at: datetime
    last_used_at: datetime | None


class NewApiKey(ApiKey):
    """A key that was just made. The studio never shows `key` again."""

    key: SecretStr


class Invitation(Frozen):
    """An invitation that nobody has used."""

    id: UUID
    role: str
    created_at: datetime
    expires_at: datetime


class NewInvitation(Invitation):
    """An invitation that was just made. The studio never shows `code` again."""

    code: SecretStr


class AccountCalls(Calls):
    """Accounts."""

    def sign_in(self, username: str, password: str) -> User:
        """Sign in; the tokens go to the store, and are renewed when they end.

        Example:
            studio = Studio("http://127.0.0.1:8000")
            studio.sign_in("anna", getpass())
        """
        form = {"username": username, "password": password}
        with self._connection.store.lock():
            answer = self._connection.send("POST", "/api/auth/token", data=form, signed=False)
            self._connection.keep(answer, username)
        return self.me()

    def sign_out(self) -> None:
        """End this session, here and in the studio."""
        self._end_session("/api/auth/sign-out")

    def sign_out_everywhere(self) -> None:
        """End all of your sessions. API keys go on."""
        self._end_session("/api/auth/sign-out-everywhere")

    def me(self) -> User:
        """Return who is signed in."""
        return self._connection.get(User, "/api/users/me")

    def registration(self) -> Registration:
        """Return how one gets an account here. Needs no sign-in."""
        return self._connection.ask(
            Registration, "GET", "/api/auth/registration", signed=False, repeatable=True
        )

    def set_up(self, setup_code: str, username: str, password: str) -> User:
        """Make the first admin, with the code that the start of the studio printed."""
        body = {"setup_code": setup_code, "username": username, "password": password}
        return self._connection.ask(User, "POST", "/api/auth/setup", json=body, signed=False)

    def register(self, username: str, password: str, invitation_code: str | None = None) -> User:
        """Make an account, with an invitation or where registration is open."""
        body = {"username": username, "password": password}
        if invitation_code is not None:
            body["invitation_code"] = invitation_code
        return self._connection.ask(User, "POST", "/api/auth/register", json=body, signed=False)

    def open_registration(self, open_: bool) -> Registration:
        """Let anyone register, or nobody without an invitation. For admins."""
        body = {"open": open_}
        return self._connection.ask(Registration, "PUT", "/api/auth/registration", json=body)

    def change_password(self, current: str, new: str) -> None:
        """Change your password; you stay signed in here, and nowhere else."""
        body = {"current_password": current, "new_password": new}
        answer = self._connection.send("POST", "/api/auth/password", json=body)
        with self._connection.store.lock():
            kept = self._connection.store.load()
            self._connection.keep(answer, kept.username if kept else None)

    def api_keys(self) -> list[ApiKey]:
        """List your API keys, the oldest first."""
        return self._connection.get(list[ApiKey], "/api/auth/api-keys")

    def make_api_key(self, name: str, *scopes: Literal["read", "write"]) -> NewApiKey:
        """Make an API key; `key` in the answer is shown this once.

        Example:
            key = studio.make_api_key("nightly", "read", "write").key.get_secret_value()
        """
        body = {"name": name, "scopes": scopes or ("read",)}
        return self._connection.ask(NewApiKey, "POST", "/api/auth/api-keys", json=body)

    def revoke_api_key(self, key_id: UUID | str) -> None:
        """End an API key."""
        path = f"/api/auth/api-keys/{part(key_id)}"
        self._connection.send("DELETE", path, repeatable=True)

    def users(self) -> list[User]:
        """List the users by name. For admins."""
        return self._connection.get(list[User], "/api/users")

    def change_user(
        self, user_id: UUID | str, *, role: str | None = None, active: bool | None = None
    ) -> User:
        """Change a user's role, or whether they may sign in. For admins."""
        given = {"role": role, "active": active}
        body = {name: value for name, value in given.items() if value is not None}
        return self._connection.ask(User, "PATCH", f"/api/users/{part(user_id)}", json=body)

    def invitations(self) -> list[Invitation]:
        """List the open invitations. For admins."""
        return self._connection.get(list[Invitation], "/api/invitations")

    def invite(self, role: str = "member") -> NewInvitation:
        """Make an invitation; `code` in the answer is shown this once. For admins."""
        body = {"role": role}
        return self._connection.ask(NewInvitation, "POST", "/api/invitations", json=body)

    def withdraw_invitation(self, invitation_id: UUID | str) -> None:
        """Make an invitation worthless. For admins."""
        path = f"/api/invitations/{part(invitation_id)}"
        self._connection.send("DELETE", path, repeatable=True)

    def _end_session(self, path: str) -> None:
        self._connection.send("POST", path)
        with self._connection.store.lock():
            self._connection.store.clear()

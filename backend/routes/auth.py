"""Sign in and out, begin an account, change the password, and manage API keys."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, status
from fastapi.security import OAuth2PasswordRequestForm
from pydantic import BaseModel, ConfigDict, Field

from backend.accounts.api_keys import ApiKeyPublic, ApiKeyRequest, NewApiKey
from backend.accounts.registration import Registration, RegistrationState, Setup
from backend.accounts.sessions import TokenPair
from backend.accounts.sign_in import PasswordChange
from backend.accounts.users import UserPublic
from backend.deps import AccountsDep, Address, Admin, SignedIn
from backend.problems import problems
from backend.strict_json import StrictRoute

router = APIRouter(prefix="/auth", tags=["accounts"], route_class=StrictRoute)

_BAD_BODY = (400, 413, 415, 422)


class RefreshRequest(BaseModel):
    """A refresh token, for its one use."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    refresh_token: str = Field(max_length=4096)


class RegistrationChange(BaseModel):
    """Whether anyone may register."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    open: bool


@router.post(
    "/setup",
    status_code=status.HTTP_201_CREATED,
    summary="Make the first admin",
    responses=problems(403, 409, 429, *_BAD_BODY),
)
def set_up(setup: Setup, accounts: AccountsDep) -> UserPublic:
    """With the one-time code that the start of the studio printed."""
    return UserPublic.model_validate(accounts.registrations.set_up(setup))


@router.get("/registration", summary="Ask how to get an account")
def show_registration(accounts: AccountsDep) -> RegistrationState:
    """Whether the first admin is missing, and whether anyone may register."""
    return accounts.registrations.state()


@router.put(
    "/registration",
    summary="Open or close registration",
    responses=problems(401, 403, *_BAD_BODY),
)
def change_registration(
    change: RegistrationChange, _admin: Admin, accounts: AccountsDep
) -> RegistrationState:
    """Open: anyone who reaches the API may register, as a member."""
    accounts.registrations.open_or_close(open_=change.open)
    return accounts.registrations.state()


@router.post(
    "/register",
    status_code=status.HTTP_201_CREATED,
    summary="Make an account",
    responses=problems(403, 409, 429, *_BAD_BODY),
)
def register(registration: Registration, accounts: AccountsDep) -> UserPublic:
    """With an invitation code, or without one where an admin opened registration."""
    return UserPublic.model_validate(accounts.registrations.register(registration))


@router.post("/token", summary="Sign in", responses=problems(400, 401, 413, 415, 422, 429))
def sign_in(
    form: Annotated[OAuth2PasswordRequestForm, Depends()], address: Address, accounts: AccountsDep
) -> TokenPair:
    """With username and password, as an OAuth2 password form."""
    return accounts.sign_in.with_password(form.username, form.password, address)


@router.post("/refresh", summary="Get the next tokens", responses=problems(401, *_BAD_BODY))
def refresh(request: RefreshRequest, accounts: AccountsDep) -> TokenPair:
    """Each refresh token works once. A second use signs its whole family out."""
    return accounts.sessions.refresh(request.refresh_token)


@router.post(
    "/sign-out",
    status_code=status.HTTP_204_NO_CONTENT,
    summary="Sign out here",
    responses=problems(401, 403),
)
def sign_out(caller: SignedIn, accounts: AccountsDep) -> None:
    """End this session: its tokens work no more."""
    assert caller.session_id is not None
    accounts.sessions.end(caller.session_id)


@router.post(
    "/sign-out-everywhere",
    status_code=status.HTTP_204_NO_CONTENT,
    summary="Sign out everywhere",
    responses=problems(401, 403),
)
def sign_out_everywhere(caller: SignedIn, accounts: AccountsDep) -> None:
    """End all of your sessions. API keys go on."""
    accounts.sessions.end_all(caller.user.id)


@router.post(
    "/password",
    summary="Change your password",
    responses=problems(401, 403, 429, *_BAD_BODY),
)
def change_password(
    change: PasswordChange, caller: SignedIn, address: Address, accounts: AccountsDep
) -> TokenPair:
    """End all of your sessions, and begin one with the tokens that are returned."""
    return accounts.sign_in.change_password(caller.user.id, change, address)


@router.get("/api-keys", summary="List your API keys", responses=problems(401, 403))
def list_api_keys(caller: SignedIn, accounts: AccountsDep) -> list[ApiKeyPublic]:
    """The oldest first."""
    return accounts.api_keys.of(caller.user.id)


@router.post(
    "/api-keys",
    status_code=status.HTTP_201_CREATED,
    summary="Make an API key",
    responses=problems(401, 403, 409, *_BAD_BODY),
)
def make_api_key(request: ApiKeyRequest, caller: SignedIn, accounts: AccountsDep) -> NewApiKey:
    """The key is shown once. What its owner may not do, it may not either."""
    return accounts.api_keys.make(caller.user.id, request)


@router.delete(
    "/api-keys/{key_id}",
    status_code=status.HTTP_204_NO_CONTENT,
    summary="Revoke an API key",
    responses=problems(401, 403, 404, 422),
)
def revoke_api_key(key_id: UUID, caller: SignedIn, accounts: AccountsDep) -> None:
    """It works no more from now on."""
    accounts.api_keys.revoke(caller.user.id, key_id)

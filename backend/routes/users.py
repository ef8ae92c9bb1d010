"""Who has an account, what they may do, and who is invited."""

from typing import Self
from uuid import UUID

from fastapi import APIRouter, status
from pydantic import BaseModel, ConfigDict, Field, model_validator

from backend.accounts.invitations import InvitationPublic, InvitationRequest, NewInvitation
from backend.accounts.users import UserPublic
from backend.deps import AccountsDep, Admin, CurrentUser
from backend.problems import problems
from backend.strict_json import StrictRoute
from backend.tables.account import Role

router = APIRouter(tags=["accounts"], route_class=StrictRoute)


class UserChange(BaseModel):
    """What an admin changes of a user; what is left out stays."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    role: Role | None = None
    active: bool | None = Field(default=None, strict=True, description="May they sign in?")

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        if self.role is None and self.active is None:
            raise ValueError("give 'role' or 'active'")
        return self


@router.get("/users/me", summary="Show who you are", responses=problems(401, 403))
def show_me(user: CurrentUser) -> UserPublic:
    """Your name and role."""
    return UserPublic.model_validate(user)


@router.get("/users", summary="List the users", responses=problems(401, 403))
def list_users(_admin: Admin, accounts: AccountsDep) -> list[UserPublic]:
    """By name. For admins."""
    return [UserPublic.model_validate(user) for user in accounts.users.everyone()]


@router.patch(
    "/users/{user_id}",
    summary="Change a user's role, or whether they may sign in",
    responses=problems(400, 401, 403, 404, 409, 413, 415, 422),
)
def change_user(
    user_id: UUID, change: UserChange, admin: Admin, accounts: AccountsDep
) -> UserPublic:
    """For admins; never of oneself. Who may not sign in any more is signed out at once."""
    changed = accounts.users.change(user_id, by=admin.id, role=change.role, active=change.active)
    return UserPublic.model_validate(changed)


@router.get("/invitations", summary="List open invitations", responses=problems(401, 403))
def list_invitations(_admin: Admin, accounts: AccountsDep) -> list[InvitationPublic]:
    """Those that nobody used and that are not over. For admins."""
    return accounts.invitations.open()


@router.post(
    "/invitations",
    status_code=status.HTTP_201_CREATED,
    summary="Invite someone",
    responses=problems(400, 401, 403, 413, 415, 422),
)
def invite(request: InvitationRequest, admin: Admin, accounts: AccountsDep) -> NewInvitation:
    """Make a code for one account, good for 7 days and shown once. For admins."""
    return accounts.invitations.make(request.role, admin.id)


@router.delete(
    "/invitations/{invitation_id}",
    status_code=status.HTTP_204_NO_CONTENT,
    summary="Withdraw an invitation",
    responses=problems(401, 403, 404, 422),
)
def withdraw_invitation(invitation_id: UUID, _admin: Admin, accounts: AccountsDep) -> None:
    """Its code works no more. For admins."""
    accounts.invitations.withdraw(invitation_id)

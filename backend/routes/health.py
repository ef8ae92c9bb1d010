"""Whether the API answers at all."""

from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel

router = APIRouter(tags=["system"])


class Health(BaseModel):
    """The API answers."""

    status: Literal["ok"] = "ok"


# Not in a thread: it answers also while every thread is taken.
@router.get("/health", summary="Ask whether the API answers")
async def show_health() -> Health:
    """Needs no sign-in, and looks at nothing else."""
    return Health()

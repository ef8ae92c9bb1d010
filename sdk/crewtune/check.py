"""One thing that `doctor` looked at."""

from typing import Literal

from pydantic import Field

from crewtune.frozen import Frozen


class Check(Frozen):
    """What was found, and what to do."""

    name: str
    state: Literal["ok", "warning", "problem"]
    found: str
    remedy: str = Field(default="", description="Empty when there is nothing to do.")


def ok(name: str, found: str) -> list[Check]:
    """Return that nothing is wrong."""
    return [Check(name=name, state="ok", found=found)]


def warning(name: str, found: str, remedy: str) -> list[Check]:
    """Return that something will be slower, or missing."""
    return [Check(name=name, state="warning", found=found, remedy=remedy)]


def problem(name: str, found: str, remedy: str) -> list[Check]:
    """Return that something will not work."""
    return [Check(name=name, state="problem", found=found, remedy=remedy)]

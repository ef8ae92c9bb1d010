"""The base of everything that the studio answers with.

A field that a newer studio adds is passed over: an older client goes on working.
"""

from pydantic import BaseModel, ConfigDict


class Frozen(BaseModel):
    """Data that does not change."""

    # Built when first used: importing is cheap.
    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)

"""What the owner of a dataset wants done with what is found in it. Every choice has a default."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from tools.data.clean_dataset import USUAL_STEPS, CleaningStep
from tools.data.near_duplicates import THRESHOLD
from tools.data.privacy.kinds import PrivacyPolicy
from tools.data.repair import (
    Clean,
    DatasetName,
    Deduplicate,
    Redact,
    RemoveContaminated,
    RemoveInvalid,
    RemoveMarked,
    RemoveNearDuplicates,
    Repair,
)
from tools.data.scan.load_patterns import Level

Choice = Literal["report", "drop_row", "ask"]


class DataPolicy(BaseModel):
    """What is repaired before a training, and how.

    `report` leaves the rows in, `drop_row` leaves them out, and `ask` stops and asks the owner.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    cleaning: tuple[CleaningStep, ...] = Field(
        default=USUAL_STEPS, max_length=5, description="What is cleaned in every text."
    )
    privacy: PrivacyPolicy = PrivacyPolicy()
    scan: Level = Field(default="standard", description="How much the scan for attacks looks for.")
    # Rows about code and security look like attacks to a scan, so a person decides.
    marked: Choice = Field(default="report", description="Rows that the scan for attacks marks.")
    # Rows that differ by a number or a name are near duplicates and may all be wanted; the split
    # keeps them on one side.
    near_duplicates: Choice = "report"
    near_threshold: float = Field(
        default=THRESHOLD, ge=0.5, le=1, description="Jaccard similarity from which rows are near."
    )
    benchmarks: tuple[DatasetName, ...] = Field(
        default=(), max_length=20, description="Datasets that must not be learnt by heart."
    )
    contaminated: Choice = Field(
        default="drop_row", description="Rows that share a passage with a benchmark."
    )

    def repairs(self) -> tuple[Repair, ...]:
        """Return what is done to every dataset under this policy, in its order.

        Cleaning comes first, because what cannot be seen may hide what the others look for.
        """
        wanted: list[Repair] = []
        if self.cleaning:
            wanted.append(Clean(steps=self.cleaning))
        wanted.append(Redact(policy=self.privacy))
        if self.marked == "drop_row":
            wanted.append(RemoveMarked(level=self.scan))
        wanted += [RemoveInvalid(), Deduplicate()]
        if self.near_duplicates == "drop_row":
            wanted.append(RemoveNearDuplicates(threshold=self.near_threshold))
        if self.benchmarks and self.contaminated == "drop_row":
            wanted.append(RemoveContaminated(benchmarks=self.benchmarks))
        return tuple(wanted)

"""Find rows that are unlike the others of their dataset in length or in the make of their text.

Each row has four measures. A row stands out when one of them lies further from the median than so
many robust standard deviations: 3.5 at the level maximum, which is the customary bound for the
modified z-score (Iglewicz and Hoaglin, How to Detect and Handle Outliers, 1993), and 5 at strict,
because the measures of good text have longer tails than a normal distribution. One deviation is
1.4826 times the median absolute deviation or, where more than half of the rows are alike, 1.2533
times the mean one.

The measures are counted in steps of a hundredth and finer, so memory does not grow with the rows.

Not covered: two measures that are unusual only together, and groups of rows that differ alike.
"""

import math
import zlib
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from tools.data.conversation import Conversation
from tools.data.conversation_text import texts_of
from tools.data.scan.load_patterns import Level

Measure = Literal["length", "non_letters", "entropy", "compression"]

MINIMUM_ROWS_TO_COMPARE = 50  # below it, a median says too little
DEVIATIONS: dict[Level, float] = {"strict": 5.0, "maximum": 3.5}

_OF_MEDIAN = 1.4826  # makes both deviations those of a normal distribution
_OF_MEAN = 1.2533
_STEPS = 1000  # in which one unit of a measure is counted
# A smaller spread is taken for this one: rows that differ so little do not stand out.
_LEAST_DEVIATION: dict[Measure, float] = {
    "length": 0.25,
    "non_letters": 0.02,
    "entropy": 0.1,
    "compression": 0.03,
}
# Shorter texts have the entropy and the compression of their length rather than of their words.
_ENOUGH_CHARACTERS = 100
# Stuck models repeat themselves at the end; pieces of one length can be compared.
_COMPRESSED_CHARACTERS = 1000


class Norm(BaseModel):
    """What is usual for one measure in a dataset."""

    model_config = ConfigDict(frozen=True)

    median: float
    deviation: float = Field(description="Robust standard deviation.")
    rows: int = Field(description="Rows that have this measure.")


def measures_of(conversation: Conversation) -> dict[Measure, float]:
    """Return the measures of a row; those that its text is too short for are left out.

    They are the binary logarithm of the length, the share of characters that are neither letters
    nor white space, the entropy of the characters in bits, and how much of the end of the text
    is left after compression.
    """
    text = "\n".join(text for _, text in texts_of(conversation))
    measures: dict[Measure, float] = {"length": math.log2(1 + len(text))}
    if len(text) < _ENOUGH_CHARACTERS:
        return measures
    counts = Counter(text)
    signs = sum(n for one, n in counts.items() if not (one.isalpha() or one.isspace()))
    measures["non_letters"] = signs / len(text)
    measures["entropy"] = -sum(n / len(text) * math.log2(n / len(text)) for n in counts.values())
    # Not every text is UTF-8: half of a surrogate pair may stand in one.
    end = text[-_COMPRESSED_CHARACTERS:].encode("utf-8", "surrogatepass")
    measures["compression"] = len(zlib.compress(end, 1)) / len(end)
    return measures


def learn_norms(conversations: Iterable[Conversation]) -> dict[Measure, Norm]:
    """Return what is usual in a dataset, of each measure that 50 rows or more have."""
    counted: dict[Measure, Counter[int]] = {}
    for conversation in conversations:
        for measure, value in measures_of(conversation).items():
            counted.setdefault(measure, Counter())[round(value * _STEPS)] += 1
    return {
        measure: _norm(measure, counts)
        for measure, counts in counted.items()
        if counts.total() >= MINIMUM_ROWS_TO_COMPARE
    }


def unusual_measures(
    conversation: Conversation, norms: Mapping[Measure, Norm], level: Level
) -> tuple[Measure, ...]:
    """Return in which measures a row stands out; none below the level strict."""
    bound = DEVIATIONS.get(level)
    if bound is None:
        return ()
    return tuple(
        measure
        for measure, value in measures_of(conversation).items()
        if measure in norms
        and abs(value - norms[measure].median) > bound * norms[measure].deviation
    )


def _norm(measure: Measure, counts: Counter[int]) -> Norm:
    middle = _median(counts)
    distances: Counter[int] = Counter()
    for step, rows in counts.items():
        distances[abs(step - middle)] += rows
    median_distance = _median(distances)
    mean_distance = sum(one * rows for one, rows in distances.items()) / counts.total()
    steps = _OF_MEDIAN * median_distance if median_distance else _OF_MEAN * mean_distance
    return Norm(
        median=middle / _STEPS,
        deviation=max(steps / _STEPS, _LEAST_DEVIATION[measure]),
        rows=counts.total(),
    )


def _median(counts: Counter[int]) -> int:
    """Return the lower median of values that are counted."""
    half, passed = (counts.total() + 1) // 2, 0
    for value in sorted(counts):
        passed += counts[value]
        if passed >= half:
            return value
    raise ValueError("There is nothing to take the median of.")

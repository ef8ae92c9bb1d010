"""Find rows that stand in a benchmark or in held-out data, and leave them out.

A row overlaps with a text when both have 13 words in the same order; this is the rule that GPT-3's
authors used. What a user and the assistant say is compared, without case and punctuation; the
system prompt is not. A text of 3 to 12 words overlaps when it is a whole turn of a user, or the
whole of a row; one of fewer words says too little of where it came from and is left out.

Words that stand in more than a tenth of the rows (and in more than ten) are the form that all rows
are written in, not a leak, so they do not count; the report says how many there are of them.

The rows are read twice, and those that are left once more, one at a time. A benchmark takes 8 bytes
for every 13 words in a row that it has, and 4 more to count them.

Not covered: paraphrases and translations; a short question with other words around it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field

from tools.data.conversation import Conversation, label_of, read_conversations, write_version
from tools.data.enough_rows import MINIMUM_ROWS, refuse_too_few
from tools.data.row_words import words_of, words_of_row
from tools.errors import DatasetError

if TYPE_CHECKING:
    import numpy as np

_LENGTH = 13
_LEAST_LENGTH = 3
_LISTED_ROWS = 50
_COMMON_SHARE, _COMMON_ROWS = 0.1, 10
_FACTOR = 0x9E3779B97F4A7C15  # odd, so that no bit is lost
_REMEMBERED_WORDS = 1 << 16


class Overlap(BaseModel):
    """What a dataset shares with one benchmark."""

    model_config = ConfigDict(frozen=True)

    rows: int = Field(description="Rows of the dataset that overlap with the benchmark.")
    share: float = Field(description="`rows` as a share of all rows of the dataset.")
    first_rows: tuple[int, ...] = Field(description="The numbers of the first 50.")
    benchmark_share: float = Field(description="Share of the benchmark that stands in those rows.")
    common: int = Field(description="Pieces of the benchmark that too many rows have to count.")


class ContaminationReport(BaseModel):
    """What a dataset shares with benchmarks and held-out data."""

    model_config = ConfigDict(frozen=True)

    rows_read: int
    words: int = Field(description="Words in a row that both must have.")
    rows: int = Field(description="Rows that overlap with any of the benchmarks.")
    overlaps: dict[str, Overlap] = Field(description="By the name of the benchmark.")


class RemoveContaminatedReport(BaseModel):
    """What `remove_contaminated` did."""

    model_config = ConfigDict(frozen=True)

    dataset: str = Field(description="Name of the new dataset version.")
    rows_read: int = Field(description="Rows of the source, those that overlap included.")
    rows_kept: int = Field(description="Rows of the new dataset version.")
    found: ContaminationReport = Field(description="What the source shared with the benchmarks.")


class _Benchmark:
    """The pieces of a benchmark, and what the dataset has of them."""

    def __init__(self, pieces: np.ndarray) -> None:
        import numpy as np

        self.pieces = pieces
        self.rows_with = np.zeros(len(pieces), np.uint32)
        self.common = np.zeros(len(pieces), bool)
        self.rows: list[int] = []

    def places(self, pieces: np.ndarray) -> np.ndarray:
        """Return where those of the `pieces` of a row stand that the benchmark has, too."""
        import numpy as np

        if not len(self.pieces):
            return np.zeros(0, np.intp)
        places = np.minimum(np.searchsorted(self.pieces, pieces), len(self.pieces) - 1)
        found: np.ndarray = places[self.pieces[places] == pieces]
        return found

    def overlaps(self, pieces: np.ndarray) -> bool:
        """Return whether the benchmark has one of the `pieces` of a row that is not common."""
        return bool((~self.common[self.places(pieces)]).any())


def find_contamination(
    dataset: Path, benchmarks: Mapping[str, Iterable[str]], *, words: int = _LENGTH
) -> ContaminationReport:
    """Find the rows of `dataset` that overlap with `benchmarks`, each a name and its texts.

    Raises:
        DatasetError: `dataset` is missing or malformed, or `words` is below 3.
    """
    return _examine(dataset, benchmarks, words)[0]


def remove_contaminated(
    source: Path,
    target_dir: Path,
    benchmarks: Mapping[str, Iterable[str]],
    *,
    words: int = _LENGTH,
) -> RemoveContaminatedReport:
    """Write `source` without the rows that overlap with `benchmarks` as a new version.

    Raises:
        DatasetError: `source` is missing or malformed, `words` is below 3, or fewer than 20 rows
            would be left.
    """
    found, overlapping = _examine(source, benchmarks, words)
    rows_kept = len(overlapping) - found.rows
    if rows_kept < MINIMUM_ROWS:
        numbers = [row.row for row in _chosen(source, overlapping, 1)]
        refuse_too_few(rows_kept, {"also in a benchmark": numbers})
    version = write_version(target_dir, label_of(source), _chosen(source, overlapping, 0))
    return RemoveContaminatedReport(
        dataset=version.stem, rows_read=found.rows_read, rows_kept=rows_kept, found=found
    )


def texts_to_keep_out(heldout: Path) -> Iterator[str]:
    """Yield of every row of `heldout` what is asked, and what is asked and answered.

    Raises:
        DatasetError: `heldout` is missing or malformed.
    """
    for row in read_conversations(heldout):
        yield from (message.content for message in row.messages if message.role == "user")
        yield " ".join(words_of_row(row))


def _examine(
    dataset: Path, benchmarks: Mapping[str, Iterable[str]], words: int
) -> tuple[ContaminationReport, bytearray]:
    """Return the report, and for every row in its order 1 if it overlaps and 0 if not."""
    if words < _LEAST_LENGTH:
        raise DatasetError(
            f"Rows cannot be compared by {words} words in a row, because too many have them. "
            f"Choose {_LEAST_LENGTH} or more."
        )
    pieces_of = _piecer(words)
    known = {name: _Benchmark(_joined(map(pieces_of, texts))) for name, texts in benchmarks.items()}
    overlapping = _count(dataset, known, pieces_of)
    for place, row in enumerate(read_conversations(dataset)):
        if not overlapping[place]:
            continue
        pieces = _pieces_of_row(row, pieces_of)
        hits = [one for one in known.values() if one.overlaps(pieces)]
        overlapping[place] = bool(hits)
        for benchmark in hits:
            benchmark.rows.append(row.row)
    report = ContaminationReport(
        rows_read=len(overlapping),
        words=words,
        rows=sum(overlapping),
        overlaps={name: _overlap(one, len(overlapping)) for name, one in known.items()},
    )
    return report, overlapping


def _count(
    dataset: Path, known: Mapping[str, _Benchmark], pieces_of: Callable[[str], np.ndarray]
) -> bytearray:
    """Count the rows that have each piece, mark what is common; return 1 for a row that has any."""
    touched = bytearray()
    for row in read_conversations(dataset):
        pieces = _pieces_of_row(row, pieces_of)
        touched.append(0)
        for benchmark in known.values():
            places = benchmark.places(pieces)
            benchmark.rows_with[places] += 1
            touched[-1] |= bool(len(places))
    most = max(_COMMON_ROWS, int(len(touched) * _COMMON_SHARE))
    for benchmark in known.values():
        benchmark.common = benchmark.rows_with > most
    return touched


def _overlap(benchmark: _Benchmark, rows_read: int) -> Overlap:
    found = int(((benchmark.rows_with > 0) & ~benchmark.common).sum())
    return Overlap(
        rows=len(benchmark.rows),
        share=len(benchmark.rows) / max(rows_read, 1),
        first_rows=tuple(benchmark.rows[:_LISTED_ROWS]),
        benchmark_share=found / max(len(benchmark.pieces), 1),
        common=int(benchmark.common.sum()),
    )


def _chosen(source: Path, marks: bytearray, mark: int) -> Iterator[Conversation]:
    rows = zip(read_conversations(source), marks, strict=True)
    return (row for row, its_mark in rows if its_mark == mark)


def _pieces_of_row(row: Conversation, pieces_of: Callable[[str], np.ndarray]) -> np.ndarray:
    """Return the pieces of the whole row, and of each turn of the user that is short."""
    turns = (message.content for message in row.messages if message.role == "user")
    return _joined(map(pieces_of, (*turns, " ".join(words_of_row(row)))))


def _joined(pieces: Iterable[np.ndarray]) -> np.ndarray:
    """Return all pieces once, in rising order."""
    import numpy as np

    found = bytearray()
    for some in pieces:
        found += some.tobytes()
    return np.unique(np.frombuffer(found, np.uint64))


def _piecer(length: int) -> Callable[[str], np.ndarray]:
    """Return what makes of a text a number for every `length` words in a row that it has."""
    import numpy as np

    number = lru_cache(_REMEMBERED_WORDS)(_number)

    def pieces_of(text: str) -> np.ndarray:
        words = words_of(text)
        taken = min(len(words), length)
        if taken < _LEAST_LENGTH:
            return np.zeros(0, np.uint64)
        numbers = np.array([number(word) for word in words], np.uint64)
        pieces = np.zeros(len(words) - taken + 1, np.uint64)
        for start in range(taken):
            pieces = pieces * np.uint64(_FACTOR) + numbers[start : start + len(pieces)]
        return pieces

    return pieces_of


def _number(word: str) -> int:
    return int.from_bytes(blake2b(word.encode("utf-8", "surrogatepass"), digest_size=8).digest())

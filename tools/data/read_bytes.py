"""Open a data file for reading its bytes, unpacked, and keep count of them.

Files of `.gz` and `.zst` are unpacked as they are read. One that unpacks to far more than it
holds is refused, and so is one whose content is of another type than its name says.
"""

import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from tools.errors import DatasetError, spoken

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

PACKED = (".gz", ".zst")

MAXIMUM_UNPACKED_BYTES = 64 * 1024**3
# Text shrinks to a tenth, rows of a generator to a hundredth. What shrinks more is a bomb.
MAXIMUM_RATIO = 250
_HARMLESS_BYTES = 64 * 1024**2
_WINDOW_BYTES = 128 * 1024**2  # as much as zstd itself unpacks without being asked
_PIECE_BYTES = 1024  # of zstd; so few unpack to 40 MiB at most
_BUFFER_BYTES = 256 * 1024
_HEAD_BYTES = 4096

_SIGNATURES = {
    b"PK\x03\x04": "a ZIP archive. Unpack it and give the file inside",
    b"PK\x05\x06": "an empty ZIP archive. Give a data file",
    b"\x1f\x8b": "packed with gzip. Let its name end in .gz",
    b"\x28\xb5\x2f\xfd": "packed with zstd. Let its name end in .zst",
    b"PAR1": "a Parquet file. Let its name end in .parquet",
    b"ARROW1": "an Arrow file. Let its name end in .arrow",
    b"%PDF": "a PDF document. Give a data file",
    b"\x89PNG": "an image. Give a data file",
    b"SQLite format 3": "a database. Export the table as .csv",
}


class Reading:
    """How far a source has been read, and what had to be assumed on the way."""

    def __init__(self) -> None:
        self.bytes_read = 0
        self.bytes_of_text = 0  # unpacked
        self._notes: dict[str, None] = {}

    @property
    def notes(self) -> tuple[str, ...]:
        """What had to be assumed, in sentences."""
        return tuple(self._notes)

    def note(self, sentence: str) -> None:
        """Remember an assumption."""
        self._notes[sentence] = None


@contextmanager
def open_bytes(path: Path, reading: Reading) -> Iterator[BinaryIO]:
    """Open `path` for reading its bytes, unpacked.

    Raises:
        DatasetError: It cannot be opened, is damaged, unpacks to too much, or is no text.
    """
    try:
        with _Counted(path, reading) as raw:
            packed = io.BufferedReader(raw, _BUFFER_BYTES)
            suffix = path.suffix.lower()
            if suffix not in PACKED:
                refuse_other_content(path, packed.peek(_HEAD_BYTES)[:_HEAD_BYTES])
                yield packed
                return
            unpacked = io.BufferedReader(_Unpacked(path, packed, raw), _BUFFER_BYTES)
            refuse_other_content(path, unpacked.peek(_HEAD_BYTES)[:_HEAD_BYTES])
            yield unpacked
    except OSError as error:
        raise DatasetError(f"{path.name!r} cannot be read: {spoken(error)}.") from error


def refuse_other_content(path: Path, head: bytes) -> None:
    """Refuse a text file that begins with `head`, where that is not the beginning of text."""
    for signature, kind in _SIGNATURES.items():
        if head.startswith(signature):
            raise DatasetError(f"{path.name!r} is not what its name says: it is {kind}.")
    marked = head.startswith((b"\xff\xfe", b"\xfe\xff"))
    # Zeros by the dozen: a single one is a fault of one row.
    if not marked and head.count(0) > len(head) // 50 + 1:
        raise DatasetError(
            f"{path.name!r} is not what its name says: it holds binary data. Give a text file."
        )


class _Counted(io.FileIO):
    """A file that tells how much of it has been read."""

    def __init__(self, path: Path, reading: Reading) -> None:
        super().__init__(path)
        self._reading = reading
        self.taken = 0

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        count = super().readinto(buffer) or 0
        self.taken += count
        self._reading.bytes_read += count
        return count


class _Unpacked(io.RawIOBase):
    """What a packed file holds, as long as that is in proportion."""

    def __init__(self, path: Path, packed: BinaryIO, raw: _Counted) -> None:
        self._path = path
        self._raw = raw
        self._given = 0
        self._stream = _stream(path, packed)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        view = memoryview(buffer).cast("B")
        try:
            data = self._stream.read(len(view))
        except (EOFError, OSError, zlib.error) as error:
            raise self._damaged() from error
        except Exception as error:
            if type(error).__name__ == "ZstdError":  # of a library that is imported late
                raise self._damaged() from error
            raise
        view[: len(data)] = data
        self._given += len(data)
        ratio = self._given / max(self._raw.taken, 1)
        if self._given > MAXIMUM_UNPACKED_BYTES or (
            self._given > _HARMLESS_BYTES and ratio > MAXIMUM_RATIO
        ):
            raise DatasetError(
                f"{self._path.name!r} unpacks to more than {MAXIMUM_RATIO} times its size or to "
                f"more than {MAXIMUM_UNPACKED_BYTES >> 30} GiB. Unpack it yourself if it is sound."
            )
        return len(data)

    def _damaged(self) -> DatasetError:
        return DatasetError(
            f"{self._path.name!r} cannot be unpacked after {self._given:,} bytes: it is damaged "
            "or incomplete. Save or download it again."
        )


def _stream(path: Path, packed: BinaryIO) -> "gzip.GzipFile | _Frames":
    if path.suffix.lower() == ".gz":
        return gzip.GzipFile(fileobj=packed, mode="rb")
    return _Frames(packed)


class _Frames:
    """What a file of zstd holds. Its own reader would take a file that is cut for a whole one."""

    def __init__(self, packed: BinaryIO) -> None:
        import zstandard

        self._packed = packed
        self._unpack = zstandard.ZstdDecompressor(max_window_size=_WINDOW_BYTES)
        self._frame: zstandard.ZstdDecompressionObj | None = None
        self._left = memoryview(b"")

    def read(self, count: int) -> bytes:
        """Return as many bytes or fewer; none at the end."""
        while not self._left:
            piece = self._packed.read(_PIECE_BYTES)
            if not piece:
                if self._frame is not None:
                    raise EOFError
                return b""
            self._left = memoryview(self._unpacked(piece))
        data, self._left = self._left[:count], self._left[count:]
        return bytes(data)

    def _unpacked(self, piece: bytes) -> bytes:
        parts = []
        while piece:
            frame = self._frame or self._unpack.decompressobj()
            parts.append(frame.decompress(piece))
            piece = frame.unused_data if frame.eof else b""
            self._frame = None if frame.eof else frame
        return b"".join(parts)

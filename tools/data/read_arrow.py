"""Read rows from files of Arrow, as `save_to_disk` leaves them, mapped and not loaded.

Both kinds are read, the stream and the file, which is a stream with a frame around it.

Not covered: extension types, which can carry code, and compressed batches, which say only
themselves how large they become.
"""

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from tools.data.layout import NumberedRow
from tools.data.read_bytes import Reading
from tools.data.spell_rows import refuse_types, spell_rows
from tools.errors import DatasetError

if TYPE_CHECKING:
    import pyarrow

_FRAME = b"ARROW1\x00\x00"
_MAXIMUM_METADATA_BYTES = 16 * 1024**2


def read_arrow(path: Path, reading: Reading) -> Iterator[NumberedRow]:
    """Yield the rows of an Arrow file."""
    import pyarrow

    number = 0
    try:
        for batch in _batches(path, reading):
            batch.validate(full=True)  # offsets that lead out of the file
            for row in spell_rows(path, batch):
                number += 1
                yield number, row
    except (pyarrow.ArrowException, OSError, ValueError, OverflowError, struct.error) as error:
        raise DatasetError(
            f"{path.name!r} cannot be read as Arrow after row {number}: the file is damaged or "
            "incomplete. Save or download it again."
        ) from error


def _batches(path: Path, reading: Reading) -> Iterator["pyarrow.RecordBatch"]:
    from pyarrow import ipc, memory_map

    _refuse_compressed(path)
    before = reading.bytes_read
    with memory_map(str(path)) as file:
        if file.read(len(_FRAME)) != _FRAME:
            file.seek(0)
        with ipc.open_stream(file) as stream:
            refuse_types(path, stream.schema)
            for batch in stream:
                yield batch
                reading.bytes_read = before + int(file.tell())


def _refuse_compressed(path: Path) -> None:
    """Walk over the heads of the messages; one that says it is compressed is refused."""
    from pyarrow import memory_map

    with memory_map(str(path)) as file:
        if file.read(len(_FRAME)) != _FRAME:
            file.seek(0)
        while length := _head_length(file.read(4), file):
            if length > _MAXIMUM_METADATA_BYTES:
                raise ValueError("the head of a message is too long")
            head = bytes(file.read(length))
            message = _Table(head, struct.unpack_from("<I", head)[0])
            if _is_compressed(message):
                raise DatasetError(
                    f"{path.name!r} holds compressed batches, which are not read. Save it as "
                    ".parquet."
                )
            body = message.number(3, "<q")
            if body < 0:
                raise ValueError("a message has no length")
            file.seek(file.tell() + body)


def _head_length(start: bytes, file: "pyarrow.NativeFile") -> int:
    """Return how long the next head is; 0 at the end of the stream."""
    if start == b"\xff\xff\xff\xff":
        start = file.read(4)
    return int.from_bytes(start, "little") if len(start) == 4 else 0


class _Table:
    """A table of a flat buffer, the form in which Arrow writes the heads of its messages."""

    def __init__(self, data: bytes, place: int) -> None:
        self._data = data
        self._place = place
        self._slots = place - struct.unpack_from("<i", data, place)[0]

    def table(self, slot: int) -> "_Table | None":
        """Return the table that a slot leads to."""
        at = self._at(slot)
        return _Table(self._data, at + self.raw("<I", at)) if at else None

    def number(self, slot: int, form: str) -> int:
        """Return the number in a slot."""
        at = self._at(slot)
        return self.raw(form, at) if at else 0

    def raw(self, form: str, place: int) -> int:
        """Return the number at a place."""
        if not 0 <= place < len(self._data):
            raise ValueError("a head points outside itself")
        return int(struct.unpack_from(form, self._data, place)[0])

    def _at(self, slot: int) -> int:
        entry = 4 + 2 * slot
        if entry >= self.raw("<H", self._slots):
            return 0
        offset = self.raw("<H", self._slots + entry)
        return self._place + offset if offset else 0


def _is_compressed(message: _Table) -> bool:
    kinds = {2: 1, 3: None}  # a batch of a dictionary, which holds one, and a batch
    kind = message.number(1, "<B")
    header = message.table(2) if kind in kinds else None
    slot = kinds.get(kind)
    batch = header.table(slot) if header and slot is not None else header
    return batch is not None and batch.table(3) is not None

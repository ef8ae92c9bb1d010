"""Spell out the rows of Arrow's batches without letting a small file fill the memory.

A value that is stored once may stand in every row, so what a row takes is counted before it is
spelt out, and a few rows are spelt at a time.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from tools.errors import DatasetError

if TYPE_CHECKING:
    import pyarrow

Row = dict[str, object]

SPELT_ROWS = 64
MAXIMUM_SPELT_BYTES = 64 * 1024**2
_POINTER_BYTES = 8
_MAXIMUM_DEPTH = 64


def spell_rows(path: Path, batch: "pyarrow.RecordBatch") -> Iterator[Row]:
    """Yield the rows of a batch.

    Raises:
        DatasetError: Some rows are too large to be text.
    """
    for start in range(0, batch.num_rows, SPELT_ROWS):
        some = batch.slice(start, SPELT_ROWS)
        if sum(_spelt_bytes(column) for column in some.columns) > MAXIMUM_SPELT_BYTES:
            raise too_large(path)
        yield from some.to_pylist()


def refuse_types(path: Path, schema: "pyarrow.Schema") -> None:
    """Refuse extension types, which can carry code, and columns that are nested without end."""
    import pyarrow

    for column in schema:
        fields = [(column, 1)]
        while fields:
            field, depth = fields.pop()
            marked = b"ARROW:extension:name" in (field.metadata or {})
            if marked or isinstance(field.type, pyarrow.BaseExtensionType):
                raise DatasetError(
                    f"{path.name!r}: column {column.name[:40]!r} has an extension type, which is "
                    "not read. Store it as a plain type or leave it out."
                )
            if depth > _MAXIMUM_DEPTH:
                raise DatasetError(
                    f"{path.name!r}: column {column.name[:40]!r} is nested too deeply. Flatten it."
                )
            children = range(field.type.num_fields)
            fields += [(field.type.field(place), depth + 1) for place in children]


def too_large(path: Path) -> DatasetError:
    """Return the refusal of rows that cannot be text."""
    return DatasetError(
        f"{path.name!r} holds rows that are too large to be text. Leave out columns with images, "
        "audio or other files."
    )


def _spelt_bytes(array: "pyarrow.Array") -> int:
    """Return what `array` takes when every value stands by itself."""
    import pyarrow
    from pyarrow import compute

    if pyarrow.types.is_dictionary(array.type):
        lengths = compute.binary_length(array.dictionary).take(array.indices)
        return _POINTER_BYTES * len(array) + int(compute.sum(lengths).as_py() or 0)
    if pyarrow.types.is_map(array.type):
        array = array.cast(pyarrow.list_(array.type.field(0)))
    if array.type.num_fields:
        parts = array.flatten()
        return sum(map(_spelt_bytes, parts if isinstance(parts, list) else [parts]))
    return max(int(array.nbytes), _POINTER_BYTES * len(array))

"""Read rows from Parquet files without letting a small file fill the memory.

A value that is stored once may stand in every row, so text is read as a dictionary and what a row
takes is counted before it is spelt out. A block of rows is refused by what the file says of it.

Not covered: extension types, which can carry code, and a file that lies about its sizes.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from tools.errors import DatasetError

if TYPE_CHECKING:
    import pyarrow
    from pyarrow.parquet import FileMetaData

Row = dict[str, object]

_MAXIMUM_BLOCK_BYTES = 512 * 1024**2
_MAXIMUM_BLOCK_VALUES = 50_000_000
_READ_ROWS = 1024  # many at a time, as each reading goes through the whole dictionary
_SPELT_ROWS = 64
_MAXIMUM_SPELT_BYTES = 64 * 1024**2
_POINTER_BYTES = 8
_MAXIMUM_DEPTH = 64


def read_parquet(path: Path) -> Iterator[tuple[int, Row]]:
    """Yield the rows of a Parquet file."""
    import pyarrow

    number = 0
    try:
        for batch in _batches(path):
            for start in range(0, batch.num_rows, _SPELT_ROWS):
                some = batch.slice(start, _SPELT_ROWS)
                if sum(_spelt_bytes(column) for column in some.columns) > _MAXIMUM_SPELT_BYTES:
                    raise DatasetError(_too_large(path))
                for row in some.to_pylist():
                    number += 1
                    yield number, row
    except (pyarrow.ArrowException, OSError, ValueError, OverflowError) as error:
        raise DatasetError(
            f"{path.name!r} cannot be read as Parquet after row {number}: the file is damaged or "
            "incomplete. Save or download it again."
        ) from error


def _batches(path: Path) -> Iterator["pyarrow.RecordBatch"]:
    from pyarrow.parquet import ParquetFile, read_metadata

    metadata = read_metadata(path)
    _refuse_types(path, metadata.schema.to_arrow_schema())
    _refuse_sizes(path, metadata)
    columns = (metadata.schema.column(place) for place in range(metadata.num_columns))
    text = [one.path for one in columns if one.physical_type == "BYTE_ARRAY"]
    with ParquetFile(path, metadata=metadata, read_dictionary=text) as file:
        # Block by block: nested columns cannot be read with two dictionaries in a batch.
        for block in range(metadata.num_row_groups):
            yield from file.iter_batches(_READ_ROWS, row_groups=[block], use_threads=False)


def _refuse_types(path: Path, schema: "pyarrow.Schema") -> None:
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


def _refuse_sizes(path: Path, metadata: "FileMetaData") -> None:
    for block in map(metadata.row_group, range(metadata.num_row_groups)):
        columns = map(block.column, range(block.num_columns))
        values = max((column.num_values for column in columns), default=0)
        if block.total_byte_size > _MAXIMUM_BLOCK_BYTES or values > _MAXIMUM_BLOCK_VALUES:
            raise DatasetError(
                f"{path.name!r} unpacks to more than {_MAXIMUM_BLOCK_BYTES >> 20} MiB or "
                f"{_MAXIMUM_BLOCK_VALUES // 10**6} million values in one row group. Leave out "
                "columns that are not text, or save it as .jsonl."
            )
        most = max(_SPELT_ROWS, block.num_rows) * _MAXIMUM_SPELT_BYTES // _SPELT_ROWS
        if block.total_byte_size > most:
            raise DatasetError(_too_large(path))


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


def _too_large(path: Path) -> str:
    return (
        f"{path.name!r} holds rows that are too large to be text. Leave out columns with images, "
        "audio or other files."
    )

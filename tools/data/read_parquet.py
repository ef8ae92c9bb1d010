"""Read rows from Parquet files without letting a small file fill the memory.

Text is read as a dictionary, as one value may stand in every row. A block of rows is refused by
what the file says of it.

Not covered: extension types, which can carry code, and a file that lies about its sizes.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from tools.data.layout import NumberedRow
from tools.data.read_bytes import Reading
from tools.data.spell_rows import (
    MAXIMUM_SPELT_BYTES,
    SPELT_ROWS,
    refuse_types,
    spell_rows,
    too_large,
)
from tools.errors import DatasetError

if TYPE_CHECKING:
    import pyarrow
    from pyarrow.parquet import FileMetaData

_MAXIMUM_BLOCK_BYTES = 512 * 1024**2
_MAXIMUM_BLOCK_VALUES = 50_000_000
_READ_ROWS = 1024  # many at a time, as each reading goes through the whole dictionary


def read_parquet(path: Path, reading: Reading) -> Iterator[NumberedRow]:
    """Yield the rows of a Parquet file."""
    import pyarrow

    number = 0
    try:
        for batch in _batches(path, reading):
            for row in spell_rows(path, batch):
                number += 1
                yield number, row
    except (pyarrow.ArrowException, OSError, ValueError, OverflowError) as error:
        raise DatasetError(
            f"{path.name!r} cannot be read as Parquet after row {number}: the file is damaged or "
            "incomplete. Save or download it again."
        ) from error


def _batches(path: Path, reading: Reading) -> Iterator["pyarrow.RecordBatch"]:
    from pyarrow.parquet import ParquetFile, read_metadata

    metadata = read_metadata(path)
    refuse_types(path, metadata.schema.to_arrow_schema())
    _refuse_sizes(path, metadata)
    columns = (metadata.schema.column(place) for place in range(metadata.num_columns))
    text = [one.path for one in columns if one.physical_type == "BYTE_ARRAY"]
    bytes_a_row = path.stat().st_size / max(metadata.num_rows, 1)
    before, rows = reading.bytes_read, 0
    with ParquetFile(path, metadata=metadata, read_dictionary=text) as file:
        # Block by block: nested columns cannot be read with two dictionaries in a batch.
        for block in range(metadata.num_row_groups):
            for batch in file.iter_batches(_READ_ROWS, row_groups=[block], use_threads=False):
                yield batch
                rows += batch.num_rows
                reading.bytes_read = before + int(rows * bytes_a_row)


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
        most = max(SPELT_ROWS, block.num_rows) * MAXIMUM_SPELT_BYTES // SPELT_ROWS
        if block.total_byte_size > most:
            raise too_large(path)

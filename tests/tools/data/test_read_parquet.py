"""Parquet is read as it is, and a small file never fills the memory."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest

from tools.data.read_rows import read_rows
from tools.errors import DatasetError

MEGABYTE = 1_000_000


def save(folder: Path, column: pyarrow.Array | pyarrow.Table, **options: Any) -> Path:
    """Write a table, or one column by the name of `text`."""
    table = column if isinstance(column, pyarrow.Table) else pyarrow.table({"text": column})
    pyarrow.parquet.write_table(table, folder / "rows.parquet", compression="zstd", **options)
    return folder / "rows.parquet"


@pytest.mark.parametrize("options", [{}, {"row_group_size": 100}, {"use_dictionary": False}])
def test_rows_are_numbered_through_all_row_groups(tmp_path: Path, options: dict[str, Any]) -> None:
    rows = [
        {"id": n, "messages": [{"role": "user", "content": str(n % 7)}]} for n in range(1, 2501)
    ]

    path = save(tmp_path, pyarrow.Table.from_pylist(rows), **options)

    assert list(read_rows(path)) == list(enumerate(rows, start=1))


@pytest.mark.parametrize(
    "column",
    [
        pyarrow.array(["a", "b", "a", None]).dictionary_encode(),
        pyarrow.ListArray.from_arrays(
            [0, 1, 1, 3], pyarrow.array(["a", "b", "a"]).dictionary_encode()
        ),
        pyarrow.array([5, 6, 5, None]).dictionary_encode(),
        pyarrow.array(["a", None], pyarrow.large_string()),
        pyarrow.array(["a", None], pyarrow.string_view()),
        pyarrow.array([b"a", None]),
        pyarrow.array([[["a", None], []], [], None]),
        pyarrow.array([{"a": "b", "c": [1.5]}, None]),
        pyarrow.array(
            [[("a", ["b"])], [], None],
            pyarrow.map_(pyarrow.string(), pyarrow.list_(pyarrow.string())),
        ),
    ],
    ids=lambda column: str(column.type).partition("<")[0],
)
def test_every_kind_of_column_is_read(tmp_path: Path, column: pyarrow.Array) -> None:
    rows = [{"text": value} for value in column.to_pylist()]

    assert list(read_rows(save(tmp_path, column))) == list(enumerate(rows, start=1))


def _cut(content: bytes) -> bytes:
    return content[:-20]


def _garbled(content: bytes) -> bytes:
    return b"PAR1" + b"\xff" * 64 + b"PAR1"


def _spoilt(content: bytes) -> bytes:
    return content[:4] + b"\xff" * 40 + content[44:]


def _emptied(content: bytes) -> bytes:
    return b""


@pytest.mark.parametrize("damage", [_cut, _garbled, _spoilt, _emptied])
def test_damaged_parquet_is_refused(tmp_path: Path, damage: Any) -> None:
    path = save(tmp_path, pyarrow.array(["Hi", "Bye"]))
    path.write_bytes(damage(path.read_bytes()))

    with pytest.raises(DatasetError, match=r"'rows\.parquet' cannot be read as Parquet"):
        list(read_rows(path))


def test_text_in_parquet_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    path = save(tmp_path, pyarrow.array([b"\xff\xfe"]).view(pyarrow.string()))

    with pytest.raises(DatasetError, match="cannot be read as Parquet after row 0"):
        list(read_rows(path))


UUID = pyarrow.array([b"0" * 16], pyarrow.uuid())
MARKED = pyarrow.field("id", pyarrow.string(), metadata={"ARROW:extension:name": "evil"})


@pytest.mark.parametrize(
    "column",
    [
        UUID,
        pyarrow.ListArray.from_arrays([0, 1], UUID),
        pyarrow.array([{"id": "a"}], pyarrow.struct([MARKED])),
        pyarrow.array([[{"id": "a"}]], pyarrow.list_(pyarrow.struct([MARKED]))),
    ],
    ids=["column", "in a list", "marked", "marked in a list"],
)
def test_extension_types_are_refused_however_deep(tmp_path: Path, column: pyarrow.Array) -> None:
    with pytest.raises(DatasetError, match="column 'text' has an extension type"):
        list(read_rows(save(tmp_path, column)))


def test_columns_nested_without_end_are_refused(tmp_path: Path) -> None:
    kind = pyarrow.string()
    for _ in range(500):
        kind = pyarrow.list_(kind)

    with pytest.raises(DatasetError, match="column 'text' is nested too deeply"):
        list(read_rows(save(tmp_path, pyarrow.nulls(1, kind), store_schema=False)))


def test_parquet_without_rows_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="has no rows"):
        list(read_rows(save(tmp_path, pyarrow.array([], pyarrow.string()))))


def _large_rows(folder: Path) -> Path:
    return save(folder, _repeated("x" * 1_500_000, 60))


def _long_list_of_one_text(folder: Path) -> Path:
    return save(folder, pyarrow.ListArray.from_arrays([0, 1500], _repeated("x" * MEGABYTE, 1500)))


def _long_list_of_nothing(folder: Path) -> Path:
    values = pyarrow.nulls(60 * MEGABYTE, pyarrow.bool_())
    return save(folder, pyarrow.ListArray.from_arrays([0, len(values)], values))


def _few_rows_of_much_text(folder: Path) -> Path:
    return save(folder, _repeated("x" * 70 * MEGABYTE, 20), write_statistics=False)


def _much_text(folder: Path) -> Path:
    column = pyarrow.chunked_array([pyarrow.array(["x" * MEGABYTE])] * 1100)
    return save(folder, pyarrow.table({"text": column}), use_dictionary=False)


def _repeated(text: str, times: int) -> pyarrow.Array:
    return pyarrow.DictionaryArray.from_arrays(pyarrow.array([0] * times), [text])


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (_large_rows, "holds rows that are too large to be text"),
        (_long_list_of_one_text, "holds rows that are too large to be text"),
        (_few_rows_of_much_text, "holds rows that are too large to be text"),
        (_long_list_of_nothing, "unpacks to more than 512 MiB or 50 million values"),
        (_much_text, "unpacks to more than 512 MiB or 50 million values"),
    ],
)
def test_a_small_file_that_is_large_in_memory_is_refused_before_it_is(
    tmp_path: Path, make: Callable[[Path], Path], reason: str
) -> None:
    path, pool = make(tmp_path), pyarrow.default_memory_pool()
    before = pool.max_memory()

    with pytest.raises(DatasetError, match=reason):
        list(read_rows(path))

    assert path.stat().st_size < MEGABYTE
    assert pool.max_memory() - before < 100 * MEGABYTE


def test_a_text_that_stands_in_every_row_is_held_once(tmp_path: Path) -> None:
    path, pool = save(tmp_path, _repeated("x" * MEGABYTE, 1100)), pyarrow.default_memory_pool()
    before = pool.max_memory()

    assert sum(len(str(row["text"])) for _, row in read_rows(path)) == 1100 * MEGABYTE
    assert pool.max_memory() - before < 100 * MEGABYTE

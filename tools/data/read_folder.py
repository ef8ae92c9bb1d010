"""Find the data files of a folder: loose files of one type, or what `save_to_disk` left.

Only names are taken from a folder's own description, and only of files that lie in it.
"""

import json
from pathlib import Path

from tools.data.read_rows import SUFFIXES, data_suffix
from tools.errors import DatasetError, spoken

_DESCRIPTION_BYTES = 1024 * 1024
_SUBFOLDER = "data"  # where repositories of the Hub keep their files


def data_files(folder: Path) -> list[Path]:
    """Return the data files of a folder; where some are called train, only those.

    Raises:
        DatasetError: There are none, they are of several types, or the folder cannot be read.
    """
    try:
        if (folder / "dataset_dict.json").is_file():
            return _saved(folder / _split(folder))
        if (folder / "state.json").is_file():
            return _saved(folder)
        found = _of_known_type(folder)
        if not found and (folder / _SUBFOLDER).is_dir():
            found = _of_known_type(folder / _SUBFOLDER)
    except OSError as error:
        raise DatasetError(
            f"The folder {folder.name!r} cannot be read: {spoken(error)}."
        ) from error
    return _of_one_type(folder, found)


def _of_known_type(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.iterdir()) if data_suffix(path.name)]


def _of_one_type(folder: Path, found: list[Path]) -> list[Path]:
    files = [path for path in found if "train" in path.name.lower()] or found
    if not files:
        raise DatasetError(
            f"The folder {folder.name!r} holds no data file. Files of these types are read: "
            f"{', '.join(SUFFIXES)}."
        )
    # Packed or not is no other type.
    if len({(data_suffix(path.name) or "").split(".")[1] for path in files}) > 1:
        names = ", ".join(path.name for path in files[:8])
        raise DatasetError(
            f"The folder {folder.name!r} holds files of several types: {names}. Name one file."
        )
    return files


def _split(folder: Path) -> str:
    """Return the split to read of a folder that holds several: `train`, or the only one."""
    splits = _described(folder / "dataset_dict.json").get("splits")
    names = [name for name in splits if _is_name(name)] if isinstance(splits, list) else []
    if "train" in names or len(names) == 1:
        return "train" if "train" in names else str(names[0])
    raise DatasetError(
        f"The folder {folder.name!r} holds the splits {', '.join(map(str, names[:8])) or 'none'}. "
        "Name the folder of one."
    )


def _saved(folder: Path) -> list[Path]:
    entries = _described(folder / "state.json").get("_data_files")
    names = [
        entry.get("filename")
        for entry in (entries if isinstance(entries, list) else [])
        if isinstance(entry, dict)
    ]
    files = [folder / str(name) for name in names if _is_name(name)]
    if not files or len(files) < len(names) or any(path.suffix != ".arrow" for path in files):
        raise DatasetError(
            f"The folder {folder.name!r} does not say which of its files hold the rows. Save it "
            "again with save_to_disk, or as .parquet."
        )
    return files


def _described(path: Path) -> dict[str, object]:
    try:
        with path.open("rb") as file:
            described = json.loads(file.read(_DESCRIPTION_BYTES))
    except (FileNotFoundError, ValueError, RecursionError):
        described = None
    return described if isinstance(described, dict) else {}


def _is_name(name: object) -> bool:
    """Tell whether a name leads nowhere but into its own folder."""
    return isinstance(name, str) and Path(name).name == name and name not in ("", "..")

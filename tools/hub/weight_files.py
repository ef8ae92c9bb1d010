"""Find a model's weight files and look into their headers. Only safetensors is read."""

import math
import re
from collections.abc import Iterable
from pathlib import Path

from tools.errors import ModelError
from tools.hub.read_json import read_json_object

WEIGHTS = "model.safetensors"
WEIGHTS_INDEX = "model.safetensors.index.json"
_SHARD = re.compile(r"[\w.-]{1,200}\.safetensors")
_PICKLES = (".bin", ".pt", ".pth", ".pkl", ".ckpt")


def weight_files(folder: Path) -> tuple[Path, ...]:
    """Return the safetensors files that make up the model, in the order of their names.

    Raises:
        ModelError: There are none, or one that the index names is missing.
    """
    files = tuple(folder / name for name in weight_names(folder))
    for file in files:
        if not file.is_file():
            raise ModelError(f"The weight file {file.name!r} is missing. Fetch the model again.")
    return files


def weight_names(folder: Path) -> list[str]:
    """Return the names of the weight files that belong to the model, present or not.

    Raises:
        ModelError: The folder has neither safetensors weights nor an index of them.
    """
    if (folder / WEIGHTS).is_file():
        return [WEIGHTS]
    if not (folder / WEIGHTS_INDEX).is_file():
        raise ModelError(no_weights(folder.name, [path.name for path in folder.iterdir()]))
    weight_map = read_json_object(folder / WEIGHTS_INDEX).get("weight_map")
    names = {str(name) for name in weight_map.values()} if isinstance(weight_map, dict) else set()
    if not names or not all(_SHARD.fullmatch(name) for name in names):
        raise ModelError(f"{WEIGHTS_INDEX} does not list safetensors files of this folder.")
    return sorted(names)


def count_elements(files: tuple[Path, ...]) -> int:
    """Return how many numbers the safetensors `files` hold. Only their headers are read.

    Raises:
        ModelError: A file is damaged, cut short or not safetensors.
    """
    return sum(math.prod(shape) for file in files for shape in tensor_shapes(file).values())


def tensor_shapes(file: Path) -> dict[str, tuple[int, ...]]:
    """Return the shape of each tensor in the safetensors `file`.

    Raises:
        ModelError: The file is damaged, cut short or not safetensors.
    """
    from safetensors import SafetensorError, safe_open

    try:
        # The library checks the header: its length, and that the tensors fill the file exactly.
        with safe_open(file, framework="np") as tensors:
            return {
                name: tuple(tensors.get_slice(name).get_shape()) for name in tensors.offset_keys()
            }
    except (OSError, SafetensorError) as error:
        raise ModelError(
            f"The weight file {file.name!r} is damaged or not safetensors. Fetch it again."
        ) from error


def no_weights(model: str, file_names: Iterable[str]) -> str:
    """Say why a model with these files and no safetensors weights cannot be used."""
    if any(name.endswith(_PICKLES) for name in file_names):
        return (
            "The weights are pickle files (.bin, .pt, ...), which can run code when opened, so "
            "they are not read. Convert them where you trust them: load the model with "
            "transformers, then call save_pretrained(folder)."
        )
    return f"{model!r} holds no {WEIGHTS}, so it is not a complete model."

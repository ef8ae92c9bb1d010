import shutil
from pathlib import Path

import pytest

from tools.errors import WorkspaceError
from tools.hub.check_model_folder import ModelFacts
from tools.training.check_space import check_space, space_needed
from tools.training.recipe import Recipe


def test_a_folder_with_room_is_left_as_it_was(tmp_path: Path) -> None:
    check_space(tmp_path, 1_000)

    assert list(tmp_path.iterdir()) == []


def test_a_folder_is_made(tmp_path: Path) -> None:
    check_space(tmp_path / "runs" / "one", 1_000)

    assert (tmp_path / "runs" / "one").is_dir()


def test_too_little_room_is_told_in_figures(tmp_path: Path) -> None:
    free = shutil.disk_usage(tmp_path).free

    with pytest.raises(WorkspaceError, match=r"has [\d,.]+ GB free and [\d,.]+ GB are") as caught:
        check_space(tmp_path, free + 10**12)

    message = str(caught.value)
    assert "Delete old runs" in message
    assert str(tmp_path) not in message


@pytest.mark.parametrize("folder", ["file", "file/below"])
def test_a_folder_that_cannot_be_written_says_so(tmp_path: Path, folder: str) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")

    with pytest.raises(WorkspaceError, match="cannot be written") as caught:
        check_space(tmp_path / folder, 1)

    assert str(tmp_path) not in str(caught.value)


def test_a_system_folder_that_takes_no_files_says_so() -> None:
    with pytest.raises(WorkspaceError, match="'fs' cannot be written"):
        check_space(Path("/proc/fs"), 1)


def test_four_adapters_with_their_optimizer_and_small_files_are_needed() -> None:
    model = ModelFacts(
        model_type="llama",
        parameters=1,
        weights_bytes=1,
        layers=2,
        hidden_size=10,
        intermediate_size=20,
        vocab_size=1,
        max_positions=None,
    )
    recipe = Recipe(model_name_or_path="x", r=4)

    # 2 layers, rank 4, inputs and outputs of 170 units.
    assert space_needed(model, recipe) == 4 * 12 * 2 * 4 * 170 + 100_000_000

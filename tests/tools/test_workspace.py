from pathlib import Path

import pytest

from tests.colours import colour_chats
from tools.data.conversation import write_version
from tools.errors import DatasetError, ModelError, ToolError, WorkspaceError
from tools.workspace import Workspace, slug


@pytest.mark.parametrize(
    "name",
    ["../../etc/passwd", "/etc/passwd", "a/b", "..", ".hidden", "", "a\x00b", "a\n", "a" * 97],
)
def test_a_name_that_leaves_the_workspace_is_refused(workspace: Workspace, name: str) -> None:
    for find in (workspace.dataset, workspace.model, workspace.run):
        with pytest.raises(WorkspaceError, match="is not a"):
            find(name)


def test_a_missing_thing_is_named_as_the_user_named_it(workspace: Workspace) -> None:
    with pytest.raises(DatasetError, match="There is no dataset 'support'"):
        workspace.dataset("support")
    with pytest.raises(ModelError, match="There is no local model 'qwen'"):
        workspace.model("qwen")
    with pytest.raises(WorkspaceError, match="There is no run 'yesterday'"):
        workspace.run("yesterday")


def test_no_message_shows_a_path(workspace: Workspace, tmp_path: Path) -> None:
    with pytest.raises(ToolError) as refusal:
        workspace.dataset("support")

    assert str(tmp_path) not in str(refusal.value)


def test_a_dataset_that_was_written_is_found_by_its_name(workspace: Workspace) -> None:
    path = write_version(workspace.datasets, "colours", colour_chats(3))

    assert workspace.dataset(path.stem) == path


def test_two_runs_have_two_folders(workspace: Workspace) -> None:
    first, second = workspace.new_run(), workspace.new_run()

    assert first != second
    assert workspace.run(first.name) == first


def test_a_workspace_that_cannot_be_made_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")

    with pytest.raises(WorkspaceError, match="'runs' of the workspace cannot be made"):
        Workspace(tmp_path / "file").new_run()


@pytest.mark.parametrize(
    ("text", "name"),
    [("Qwen/Qwen3-0.6B", "qwen-qwen3-0-6b"), ("Ämter & Co", "mter-co"), ("!!!", "unnamed")],
)
def test_any_text_can_be_made_a_name(text: str, name: str) -> None:
    assert slug(text) == name

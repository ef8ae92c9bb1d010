import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from safetensors.numpy import load_file

from tools.errors import ModelError
from tools.hub.resolve_model import model_hash, resolve_model
from tools.workspace import Workspace


def test_a_model_of_the_workspace_is_known_by_its_name(
    tiny_model: Path, workspace: Workspace
) -> None:
    folder = Path(shutil.copytree(tiny_model, workspace.models / "tiny-instruct"))

    source = resolve_model("tiny-instruct", workspace=workspace)

    assert (source.name, source.folder, source.local) == ("tiny-instruct", folder, True)
    assert (source.model_type, source.layers, source.hidden_size) == ("llama", 2, 32)
    assert (source.intermediate_size, source.max_positions) == (64, 64)
    assert source.weights_bytes == (folder / "model.safetensors").stat().st_size
    arrays = load_file(folder / "model.safetensors").values()
    assert source.parameters == sum(array.size for array in arrays)


def test_a_folder_is_a_model(copy: Path, workspace: Workspace) -> None:
    source = resolve_model(str(copy), workspace=workspace)

    assert (source.folder, source.revision, source.local) == (copy, None, True)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "no-such-model",
        "../../no/such/folder",
        "/no/such/folder",
        "http://127.0.0.1:5000/x",
        "https://huggingface.co/org/name",
        "file:///etc",
        "file:x/y",
        "org/..",
        "org/name\n",
        "org/name@../x",
        "org/name/more",
        "C:\\x",
        "a" * 300,
        "org/" + "a" * 300,
        "nul\0l/x",
        "~nobody-of-that-name/x",
    ],
)
def test_what_is_neither_here_nor_a_hub_id_is_refused(name: str, workspace: Workspace) -> None:
    with pytest.raises(ModelError, match=r"local model|Hub id") as caught:
        resolve_model(name, workspace=workspace)

    assert len(str(caught.value)) < 350


def test_a_folder_without_a_model_says_so(workspace: Workspace) -> None:
    with pytest.raises(ModelError, match=r"'etc' holds no config\.json, so it is not a model"):
        resolve_model("/etc", workspace=workspace)


def test_the_hash_names_the_content(
    copy: Path, edit: Callable[..., None], tiny_model: Path
) -> None:
    before = model_hash(tiny_model)
    (copy / "trainer_state.json").write_text("{}", encoding="utf-8")

    assert model_hash(copy) == before

    edit(copy / "config.json", rope_theta=1.0)
    assert model_hash(copy) != before

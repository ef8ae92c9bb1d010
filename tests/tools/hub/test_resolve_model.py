import json
import os
import shutil
import socket
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from safetensors.numpy import load_file, save_file

from tools.errors import ModelError
from tools.hub.resolve_model import model_hash, resolve_model
from tools.workspace import Workspace

COMMIT = "0123456789abcdef0123456789abcdef01234567"

# Runs in a process of its own, because the Hub's library reads its environment when imported.
_RESOLVE = """
import json, sys
from pathlib import Path
from tools.errors import ModelError
from tools.hub.resolve_model import resolve_model
from tools.progress import Cancelled, NoProgress
from tools.workspace import Workspace

class Reporter(NoProgress):
    def __init__(self, stops):
        self.lines, self.highest, self.stops = [], 0.0, stops
    def log(self, message):
        self.lines.append(message)
    def percent(self, done, seconds_left=None):
        self.highest = max(self.highest, done)
    def check(self):
        if self.stops:
            raise Cancelled

def answer(name, endpoint, token, stops):
    progress = Reporter(stops)
    try:
        source = resolve_model(
            name, workspace=workspace, token=token, endpoint=endpoint, progress=progress
        )
        found = source.model_dump(mode="json")
    except ModelError as error:
        found = {"error": str(error)}
    except Cancelled:
        found = {"error": "cancelled"}
    return {**found, "log": progress.lines, "percent": progress.highest}

calls, root = json.load(sys.stdin)
workspace = Workspace(Path(root))
print(json.dumps([answer(*call) for call in calls]))
"""

Call = tuple[str, str, str | None, bool]
Resolve = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def copy(tiny_model: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_model, tmp_path / "copy"))


@pytest.fixture
def resolve(tmp_path: Path, hub: Any) -> Resolve:
    """Resolve names in turn against the Hub of the test, with an empty cache of their own."""

    def run(*calls: Call | str) -> list[dict[str, Any]]:
        whole = [(one, hub.address, None, False) if isinstance(one, str) else one for one in calls]
        environment = {**os.environ, "HF_HOME": str(tmp_path / "home"), "PYTHONPATH": "."}
        environment.pop("HF_HUB_OFFLINE")
        result = subprocess.run(
            [sys.executable, "-W", "error", "-c", _RESOLVE],
            input=json.dumps([whole, str(tmp_path / "work")]),
            env=environment,
            capture_output=True,
            encoding="utf-8",
            timeout=120,
        )
        assert result.returncode == 0, result.stderr
        assert result.stderr == ""
        answers: list[dict[str, Any]] = json.loads(result.stdout)
        return answers

    return run


def edit(file: Path, **changes: object) -> None:
    content = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    file.write_text(json.dumps({**content, **changes}), encoding="utf-8")


def refusal(folder: Path, workspace: Workspace) -> str:
    with pytest.raises(ModelError) as caught:
        resolve_model(str(folder), workspace=workspace)
    assert str(folder) not in str(caught.value)
    return str(caught.value)


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


def test_shards_are_one_model(copy: Path, workspace: Workspace) -> None:
    whole = resolve_model(str(copy), workspace=workspace)
    arrays = load_file(copy / "model.safetensors")
    (copy / "model.safetensors").unlink()
    names = sorted(arrays)
    shards = {"a.safetensors": names[:5], "b.safetensors": names[5:]}
    for file, keys in shards.items():
        save_file({key: arrays[key] for key in keys}, copy / file)
    weight_map = {key: file for file, keys in shards.items() for key in keys}
    edit(copy / "model.safetensors.index.json", weight_map=weight_map)

    assert resolve_model(str(copy), workspace=workspace).parameters == whole.parameters

    (copy / "b.safetensors").unlink()
    assert "'b.safetensors' is missing" in refusal(copy, workspace)
    edit(copy / "model.safetensors.index.json", weight_map={"x": "../secret.safetensors"})
    assert "does not list safetensors files of this folder" in refusal(copy, workspace)


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


def test_an_adapter_is_not_a_model(tmp_path: Path, workspace: Workspace) -> None:
    edit(tmp_path / "adapter_config.json", peft_type="LORA")

    assert "is a LoRA adapter, not a whole model" in refusal(tmp_path, workspace)


@pytest.mark.parametrize("file", ["config.json", "tokenizer_config.json", "generation_config.json"])
def test_code_that_comes_with_a_model_is_refused(
    copy: Path, workspace: Workspace, tmp_path: Path, file: str
) -> None:
    canary = tmp_path / "canary"
    (copy / "evil.py").write_text(f"open({str(canary)!r}, 'w').close()", encoding="utf-8")
    edit(copy / file, auto_map={"AutoConfig": "evil.Config"})

    message = refusal(copy, workspace)

    assert f"{file} asks to run Python code" in message
    assert not canary.exists()


def test_pickled_weights_are_refused_with_a_way_out(copy: Path, workspace: Workspace) -> None:
    (copy / "model.safetensors").rename(copy / "pytorch_model.bin")

    message = refusal(copy, workspace)

    assert "pickle" in message
    assert "save_pretrained" in message


def test_a_folder_without_weights_is_refused(copy: Path, workspace: Workspace) -> None:
    (copy / "model.safetensors").unlink()

    assert "holds no model.safetensors" in refusal(copy, workspace)


@pytest.mark.parametrize("damage", ["long header", "cut short", "not safetensors", "empty"])
def test_damaged_weights_are_refused(copy: Path, workspace: Workspace, damage: str) -> None:
    file = copy / "model.safetensors"
    content = file.read_bytes()
    file.write_bytes(
        {
            "long header": struct.pack("<Q", 2**62) + content[8:],
            "cut short": content[:-100],
            "not safetensors": b"x" * 1000,
            "empty": b"",
        }[damage]
    )

    assert "'model.safetensors' is damaged" in refusal(copy, workspace)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"num_hidden_layers": 1_000_000}, "num_hidden_layers is 1000000"),
        ({"n_layer": 1_000_000}, "n_layer is 1000000"),
        ({"text_config": {"hidden_size": 10**9}}, "hidden_size is 1000000000"),
        ({"vocab_size": -1}, "vocab_size is -1"),
        ({"hidden_size": "32"}, "hidden_size is 32"),
        ({"hidden_size": float("nan")}, "hidden_size is nan"),
        ({"num_hidden_layers": 500}, "declares about"),
        ({"model_type": "llama\nimport os"}, "no usable model_type"),
        ({"model_type": None}, "no usable model_type"),
        ({"model_type": "no_such_type"}, "not a causal language model"),
        ({"architectures": ["BertForMaskedLM"], "model_type": "bert"}, "not a causal language"),
        ({"quantization_config": {"bits": 4}}, "quantised"),
    ],
)
def test_a_configuration_that_cannot_be_true_is_refused(
    copy: Path, workspace: Workspace, changes: dict[str, object], complaint: str
) -> None:
    edit(copy / "config.json", **changes)

    assert complaint in refusal(copy, workspace)


@pytest.mark.parametrize("text", ["", "[1]", "{", "[" * 100_000, '{"a": "\ud800"'])
def test_a_configuration_that_is_no_json_object_is_refused(
    copy: Path, workspace: Workspace, text: str
) -> None:
    (copy / "config.json").write_bytes(text.encode("utf-8", "surrogatepass"))

    assert "config.json" in refusal(copy, workspace)


def test_sizes_of_the_text_part_are_the_models(copy: Path, workspace: Workspace) -> None:
    edit(copy / "config.json", vision_config={"hidden_size": 8}, text_config={"hidden_size": 16})

    assert resolve_model(str(copy), workspace=workspace).hidden_size == 16


def test_a_huge_chat_template_is_refused(copy: Path, workspace: Workspace) -> None:
    (copy / "chat_template.jinja").write_text("x" * 200_001, encoding="utf-8")

    assert "chat template has 200,001" in refusal(copy, workspace)


def test_the_hash_names_the_content(copy: Path, tiny_model: Path) -> None:
    before = model_hash(tiny_model)
    (copy / "trainer_state.json").write_text("{}", encoding="utf-8")

    assert model_hash(copy) == before

    edit(copy / "config.json", rope_theta=1.0)
    assert model_hash(copy) != before


def test_a_hub_model_is_fetched_once_and_works_offline(
    hub: Any, resolve: Resolve, copy: Path
) -> None:
    for name in ("modeling.py", "pytorch_model.bin", "x.pkl", "onnx/model.safetensors"):
        (copy / name).parent.mkdir(exist_ok=True)
        (copy / name).write_bytes(b"x")
    (copy / "consolidated.safetensors").write_bytes(b"x")
    hub.repositories["org/name"] = copy

    first, again, offline = resolve(
        ("org/name", hub.address, "hf_secret", False),
        ("org/name@main", hub.address, None, False),
        ("org/name", f"http://127.0.0.1:{closed_port()}", None, False),
    )

    assert (first["revision"], first["local"], first["model_type"]) == (COMMIT, False, "llama")
    assert first["percent"] == 100
    assert hub.tokens == {"Bearer hf_secret", ""}
    here = {path.name for path in Path(first["folder"]).iterdir()}
    assert here == {
        "config.json",
        "generation_config.json",
        "model.safetensors",
        "tokenizer.json",
        "tokenizer_config.json",
    }
    weights = f"GET /org/name/resolve/{COMMIT}/model.safetensors"
    assert hub.requests.count(weights) == 1
    assert again["folder"] == offline["folder"] == first["folder"]
    assert offline["log"] == [
        "The Hub cannot be reached. Looking for a copy of org/name on this machine."
    ]


def test_each_way_a_hub_says_no_has_its_own_words(
    hub: Any, resolve: Resolve, tiny_model: Path
) -> None:
    hub.repositories.update({"org/open": tiny_model, "org/gated": tiny_model})
    hub.gated.add("org/gated")

    answers = resolve(
        "org/missing",
        "org/gated",
        "org/open@no-such-branch",
        ("org/open", f"http://127.0.0.1:{closed_port()}", None, False),
    )
    hub.status = 401
    answers += resolve(("org/open", hub.address, "hf_wrong", False))
    hub.status = 503
    answers += resolve("org/open")
    missing, gated, revision, refused, token, broken = (answer["error"] for answer in answers)

    assert "There is no model 'org/missing' on the Hub" in missing
    assert "'org/gated' is gated" in gated
    assert "no revision 'no-such-branch'" in revision
    assert "cannot be reached" in refused
    assert "token" in token
    assert "cannot be reached" in broken
    for message in (missing, gated, refused, token, broken):
        assert "local model folder works too" in message


def test_a_hub_model_is_judged_before_its_weights_are_fetched(
    hub: Any, resolve: Resolve, copy: Path, tmp_path: Path
) -> None:
    edit(copy / "config.json", auto_map={"AutoModelForCausalLM": "x.y"})
    pickled = Path(shutil.copytree(copy, tmp_path / "pickled"))
    (pickled / "model.safetensors").rename(pickled / "pytorch_model.bin")
    adapter = tmp_path / "adapter"
    adapter.mkdir()
    edit(adapter / "adapter_config.json", peft_type="LORA")
    hub.repositories.update({"org/code": copy, "org/pickled": pickled, "org/adapter": adapter})

    code, pickles, lora = resolve("org/code", "org/pickled", "org/adapter")

    assert "auto_map" in code["error"]
    assert "pickle" in pickles["error"]
    assert "LoRA adapter" in lora["error"]
    assert not [line for line in hub.requests if line.endswith((".safetensors", ".bin"))]


def test_a_download_stops_when_told(hub: Any, resolve: Resolve, tiny_model: Path) -> None:
    hub.repositories["org/name"] = tiny_model

    (answer,) = resolve(("org/name", hub.address, None, True))

    assert answer["error"] == "cancelled"


def closed_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])

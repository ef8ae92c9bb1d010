import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

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

    assert (first["revision"], first["local"], first["model_type"]) == (hub.commit, False, "llama")
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
    weights = f"GET /org/name/resolve/{hub.commit}/model.safetensors"
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
    hub: Any, resolve: Resolve, copy: Path, edit: Callable[..., None], tmp_path: Path
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

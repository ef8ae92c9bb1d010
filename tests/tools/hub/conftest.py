"""A tiny model on disk, and a Hub on the loopback interface that hands out folders."""

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import urlsplit

import pytest

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Llama of a few thousand parameters. Tests that change it make a copy."""
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    folder = tmp_path_factory.mktemp("hub") / "tiny"
    words = Tokenizer(models.BPE(unk_token="<unk>"))
    words.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=300, special_tokens=["<unk>", "</s>"], show_progress=False
    )
    words.train_from_iterator(["the cat sat on the mat", "the dog ran to the cat"], trainer)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=words, unk_token="<unk>", eos_token="</s>", model_max_length=64
    )
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=64,
        tie_word_embeddings=True,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture
def copy(tiny_model: Path, tmp_path: Path) -> Path:
    """A copy of the tiny model that a test may change."""
    return Path(shutil.copytree(tiny_model, tmp_path / "copy"))


@pytest.fixture
def edit() -> Callable[..., None]:
    """Changes fields of a JSON file, which is made when it is missing."""

    def change(file: Path, **fields: object) -> None:
        content = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
        file.write_text(json.dumps({**content, **fields}), encoding="utf-8")

    return change


@dataclass
class Hub:
    """Repositories by id, and what was asked of them."""

    repositories: dict[str, Path]
    gated: set[str] = field(default_factory=set)
    status: int = 200
    requests: list[str] = field(default_factory=list)
    tokens: set[str] = field(default_factory=set)
    address: str = ""
    commit: str = COMMIT


@pytest.fixture
def hub() -> Iterator[Hub]:
    """An empty Hub. It answers until the test is over."""
    state = Hub(repositories={})
    handler = type("Handler", (_Handler,), {"hub": state})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    state.address = f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    yield state
    server.shutdown()
    server.server_close()
    thread.join()


class _Handler(BaseHTTPRequestHandler):
    """The three questions that a download asks: what is there, how large, and the bytes."""

    hub: Hub

    def do_GET(self) -> None:
        self._answer()

    def do_HEAD(self) -> None:
        self._answer()

    def log_message(self, *args: object) -> None:
        """Say nothing."""

    def _answer(self) -> None:
        path = urlsplit(self.path).path
        self.hub.requests.append(f"{self.command} {path}")
        self.hub.tokens.add(self.headers.get("Authorization", ""))
        parts = path.removeprefix("/api/models").strip("/").split("/")
        name, rest = "/".join(parts[:2]), parts[2:]
        folder = self.hub.repositories.get(name)
        if self.hub.status != 200:
            self._send(self.hub.status, b"", {})
        elif folder is None:
            self._send(404, b"", {"X-Error-Code": "RepoNotFound"})
        elif rest[:1] and rest[1:2] not in (["main"], [COMMIT]):
            self._send(404, b"", {"X-Error-Code": "RevisionNotFound"})
        elif rest[:1] == ["resolve"]:
            self._file(name, folder / "/".join(rest[2:]))
        elif rest[:1] == ["tree"]:
            self._json([{"type": "file", **entry} for entry in _entries(folder)])
        else:
            siblings = [{"rfilename": one["path"], "size": one["size"]} for one in _entries(folder)]
            self._json({"id": name, "sha": COMMIT, "siblings": siblings})

    def _file(self, name: str, path: Path) -> None:
        if name in self.hub.gated:
            self._send(403, b"", {"X-Error-Code": "GatedRepo"})
            return
        content = path.read_bytes()
        digest = hashlib.sha256(content).hexdigest()
        self._send(200, content, {"ETag": f'"{digest}"', "X-Repo-Commit": COMMIT})

    def _json(self, content: object) -> None:
        self._send(200, json.dumps(content).encode(), {"Content-Type": "application/json"})

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for key, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(key, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)


def _entries(folder: Path) -> list[dict[str, object]]:
    return [
        {
            "path": str(path.relative_to(folder)),
            "size": path.stat().st_size,
            "oid": hashlib.sha1(path.read_bytes(), usedforsecurity=False).hexdigest(),
        }
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    ]

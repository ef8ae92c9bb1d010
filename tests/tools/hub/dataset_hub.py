"""A Hub on the loopback interface that speaks the protocol of datasets, and what lies on it."""

import io
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

import pyarrow
import pyarrow.parquet

ROOT = Path(__file__).parents[3]
COMMIT = "0123456789abcdef0123456789abcdef01234567"
ROW = {"instruction": "Say hi.", "output": "Hi."}


class DatasetHub(ThreadingHTTPServer):
    """It keeps what it was asked, and with which tokens."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.tokens: list[str | None] = []
        self.asked: list[tuple[str, str]] = []

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


@contextmanager
def dataset_hub() -> Iterator[DatasetHub]:
    """Start the Hub. It answers until the block ends."""
    server = DatasetHub()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def _lines(*rows: dict[str, str]) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def _parquet(*rows: dict[str, str]) -> bytes:
    buffer = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(list(rows)), buffer)
    return buffer.getvalue()


def _card(*configs: dict[str, Any]) -> bytes:
    return f"---\nconfigs: {json.dumps(configs)}\n---\n".encode()


GERMAN = {"config_name": "de", "data_files": "de.jsonl"}
ENGLISH = {"config_name": "en", "data_files": "en.jsonl"}
TEXTS = {"de.jsonl": _lines({"text": "Hallo"}), "en.jsonl": _lines({"text": "Hello"})}

REPOSITORIES = {
    "anna/chats": {"train.jsonl": _lines(ROW, ROW), "test.jsonl": _lines(ROW)},
    "anna/shards": {
        f"data/train-0000{shard}-of-00003.parquet": _parquet(ROW, ROW) for shard in range(3)
    },
    "anna/table": {"data/train-00000-of-00001.parquet": _parquet(ROW)},
    "anna/many": {"README.md": _card(GERMAN, ENGLISH), **TEXTS},
    "anna/usual": {"README.md": _card(GERMAN, {**ENGLISH, "default": True}), **TEXTS},
    "anna/thief": {
        "README.md": _card({"config_name": "default", "data_files": f"{ROOT}/requirements.txt"}),
        "train.jsonl": _lines(ROW),
    },
    "anna/pictures": {"train/one.png": b"\x89PNG"},
    "anna/unlisted": {"README.md": b"---\nconfigs: [a: {]\n---\n", "train.jsonl": _lines(ROW)},
    "anna/empty": {"notes.rst": b"Nothing."},
    "anna/mixed": {"train.jsonl": b'{"a": 1}\n{"a": [1]}\n{"a": \n'},
    "anna/damaged": {"train.parquet": b"PAR1" + b"\xff" * 64 + b"PAR1"},
}
ABSENT = {"anna/gated": ("GatedRepo", 403), "anna/broken": ("", 500)}


class _Handler(BaseHTTPRequestHandler):
    """Answers what `datasets` asks of the Hub: what a repository is, its tree, and its files."""

    server: DatasetHub

    def do_GET(self) -> None:
        path = unquote(urlparse(self.path).path)
        self.server.asked.append((self.command, path.rpartition("/")[2]))
        self.server.tokens.append(self.headers.get("Authorization"))
        if match := re.fullmatch(r"/api/datasets/([^/]+/[^/]+)(/revision/([^/]+))?", path):
            self._describe(match[1], match[3])
        elif match := re.fullmatch(r"/api/datasets/([^/]+/[^/]+)/tree/[^/]+/?(.*)", path):
            self._list(match[1], match[2])
        elif match := re.fullmatch(r"/datasets/([^/]+/[^/]+)/resolve/[^/]+/(.+)", path):
            self._file(match[1], match[2])
        else:
            self._refuse("EntryNotFound")

    do_HEAD = do_GET

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""

    def _describe(self, repository: str, revision: str | None) -> None:
        if repository not in REPOSITORIES:
            self._refuse(*ABSENT.get(repository, ("RepoNotFound", 401)))
        elif revision not in (None, "main", COMMIT):
            self._refuse("RevisionNotFound")
        else:
            files = [{"rfilename": name} for name in REPOSITORIES[repository]]
            self._answer({"id": repository, "sha": COMMIT, "siblings": files, "tags": []})

    def _list(self, repository: str, folder: str) -> None:
        prefix = f"{folder}/" if folder else ""
        inside = [one for one in self._entries(repository) if one["path"].startswith(prefix)]
        flat = "recursive=true" not in self.path.lower()
        if folder and not inside:
            self._refuse("EntryNotFound")
        else:
            self._answer(
                [one for one in inside if not flat or "/" not in one["path"][len(prefix) :]]
            )

    def _entries(self, repository: str) -> list[dict[str, Any]]:
        files = REPOSITORIES[repository]
        folders = {str(parent) for name in files for parent in Path(name).parents} - {"."}
        sizes = {**dict.fromkeys(folders, 0), **{name: len(files[name]) for name in files}}
        kinds = {True: "directory", False: "file"}
        return [
            {"type": kinds[name in folders], "path": name, "oid": COMMIT, "size": size}
            for name, size in sizes.items()
        ]

    def _file(self, repository: str, name: str) -> None:
        content = REPOSITORIES.get(repository, {}).get(name)
        if content is None:
            self._refuse("EntryNotFound")
            return
        status, headers = 200, {"ETag": '"1"', "X-Repo-Commit": COMMIT, "Accept-Ranges": "bytes"}
        if match := re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", "")):
            first, last = int(match[1]), min(int(match[2] or len(content)), len(content) - 1)
            headers["Content-Range"] = f"bytes {first}-{last}/{len(content)}"
            status, content = 206, content[first : last + 1]
        self._send(status, content, headers)

    def _answer(self, content: Any) -> None:
        self._send(200, json.dumps(content).encode(), {"Content-Type": "application/json"})

    def _refuse(self, code: str, status: int = 404) -> None:
        self._send(status, b"", {"X-Error-Code": code, "X-Error-Message": code})

    def _send(self, status: int, content: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": len(content)}.items():
            self.send_header(name, str(value))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

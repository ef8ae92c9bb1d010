"""Datasets are fetched from a server of our own that speaks the Hub's protocol.

The libraries read the address of the Hub when they are imported, so each fetch is a process.
"""

import io
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

import pyarrow
import pyarrow.parquet
import pytest

from tools.errors import DatasetError
from tools.hub.fetch_dataset import HubDataset

ROOT = Path(__file__).parents[3]
COMMIT = "0123456789abcdef0123456789abcdef01234567"
ROW = {"instruction": "Say hi.", "output": "Hi."}

# What to fetch, with the rows it has or the reason why not.
FETCHED: list[tuple[dict[str, str], list[dict[str, str]]]] = [
    ({"id": "anna/chats"}, [ROW, ROW]),
    ({"id": "anna/chats", "split": "test", "revision": "main"}, [ROW]),
    ({"id": "anna/table"}, [ROW]),
    ({"id": "anna/many", "config": "en"}, [{"text": "Hello"}]),
    ({"id": "anna/usual"}, [{"text": "Hello"}]),
]
REFUSED = [
    ({"id": "anna/absent"}, "does not exist"),
    ({"id": "anna/gated"}, "is gated"),
    ({"id": "anna/broken"}, "does not answer as expected"),
    ({"id": "anna/chats", "revision": "v9"}, "has no revision 'v9'"),
    ({"id": "anna/chats", "split": "train[:9]"}, "has no split 'train[:9]'. It has: train, test."),
    ({"id": "anna/many"}, "has no configuration as its default. Name one of: de, en."),
    ({"id": "anna/many", "config": "fr"}, "has no configuration 'fr'. Name one of: de, en."),
    ({"id": "anna/table", "config": "fr"}, "has no configuration 'fr'. Name one of: default."),
    ({"id": "anna/pictures"}, "does not consist of JSON, CSV, Parquet or text files"),
    ({"id": "anna/unlisted"}, "cannot be read"),
    ({"id": "anna/empty"}, "cannot be read"),
    ({"id": "anna/mixed"}, "cannot be read"),
    ({"id": "anna/damaged"}, "cannot be read"),
    ({"id": "anna/thief"}, "or lie elsewhere"),
]

_PROBE = """
import json, sys
from tools.errors import DatasetError
from tools.hub.fetch_dataset import HubDataset, fetch_dataset

token, wanted = json.loads(sys.argv[1])
for dataset in wanted:
    try:
        fetched = fetch_dataset(HubDataset(**dataset), token=token)
        answer = {"revision": fetched.revision, "rows": list(fetched.rows)}
    except DatasetError as error:
        answer = {"error": str(error)}
    print(json.dumps(answer))
"""

_IMPORT_PROBE = """
import json, os, sys
from pathlib import Path
from tools.data.import_dataset import import_dataset
from tools.hub.fetch_dataset import HubDataset

token, [dataset] = json.loads(sys.argv[1])
target = Path(os.environ["HF_HOME"]) / "datasets-made"
print(import_dataset(HubDataset(**dataset), target, token=token).model_dump_json())
"""


_FIRST_ROWS_PROBE = """
import json, sys
from itertools import islice
from tools.hub.fetch_dataset import HubDataset, fetch_dataset

token, [dataset] = json.loads(sys.argv[1])
fetched = fetch_dataset(HubDataset(**dataset), token=token)
print(json.dumps([fetched.config, list(islice(fetched.rows, 2))]))
"""


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


class _Hub(BaseHTTPRequestHandler):
    """Answers what `datasets` asks of the Hub: what a repository is, its tree, and its files."""

    def do_GET(self) -> None:
        path = unquote(urlparse(self.path).path)
        self.server.asked.append((self.command, path.rpartition("/")[2]))  # type: ignore[attr-defined]
        self.server.tokens.append(self.headers.get("Authorization"))  # type: ignore[attr-defined]
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


@pytest.fixture(scope="module")
def hub() -> Iterator[ThreadingHTTPServer]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Hub)
    server.tokens = []  # type: ignore[attr-defined]
    server.asked = []  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def fetch(
    endpoint: str,
    home: Path,
    *wanted: dict[str, str],
    token: str | None = None,
    offline: bool = False,
    probe: str = _PROBE,
) -> list[dict[str, Any]]:
    """Fetch the wanted datasets in a process whose Hub is at `endpoint`."""
    settings = {"HF_ENDPOINT": endpoint, "HF_HOME": str(home), "HF_TOKEN": "of-the-machine"}
    result = subprocess.run(
        [sys.executable, "-c", probe, json.dumps([token, wanted])],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, **settings, "HF_HUB_OFFLINE": str(int(offline))},
        timeout=120,
    )
    assert result.returncode == 0, result.stderr
    return [json.loads(line) for line in result.stdout.splitlines()]


def _address(hub: ThreadingHTTPServer) -> str:
    return f"http://127.0.0.1:{hub.server_address[1]}"


@pytest.fixture(scope="module")
def answers(
    hub: ThreadingHTTPServer, tmp_path_factory: pytest.TempPathFactory
) -> list[dict[str, Any]]:
    """What came of all of `FETCHED` and `REFUSED`."""
    wanted = [dataset for dataset, _ in [*FETCHED, *REFUSED]]
    return fetch(_address(hub), tmp_path_factory.mktemp("home"), *wanted)


@pytest.mark.parametrize("number", range(len(FETCHED)))
def test_rows_come_with_the_commit_they_were_read_at(
    answers: list[dict[str, Any]], number: int
) -> None:
    assert answers[number] == {"revision": COMMIT, "rows": FETCHED[number][1]}


@pytest.mark.parametrize("number", range(len(REFUSED)))
def test_what_cannot_be_fetched_is_told_with_its_reason_and_the_way_out(
    answers: list[dict[str, Any]], number: int
) -> None:
    dataset, reason = REFUSED[number]

    error = answers[len(FETCHED) + number]["error"]

    assert error.startswith(f"The dataset '{dataset['id']}' ")
    assert reason in error
    assert error.endswith("A file on this machine works as well: give its path.")


@pytest.mark.parametrize(
    ("offline", "reason"), [(False, "the Hub does not answer"), (True, "while offline")]
)
def test_a_hub_that_is_out_of_reach_is_told(tmp_path: Path, offline: bool, reason: str) -> None:
    [answer] = fetch("http://127.0.0.1:9", tmp_path, {"id": "anna/chats"}, offline=offline)

    assert reason in answer["error"]


def test_the_token_of_the_machine_is_not_sent(
    hub: ThreadingHTTPServer, answers: list[dict[str, Any]]
) -> None:
    assert set(hub.tokens) <= {None, "Bearer hf_annas"}  # type: ignore[attr-defined]


def test_an_import_records_the_commit_and_sends_the_given_token(
    hub: ThreadingHTTPServer, tmp_path: Path
) -> None:
    hub.tokens.clear()  # type: ignore[attr-defined]

    [report] = fetch(
        _address(hub), tmp_path, {"id": "anna/chats"}, token="hf_annas", probe=_IMPORT_PROBE
    )

    assert report.pop("dataset").startswith("anna-chats-")
    assert (report["source"], report["revision"]) == ("anna/chats", COMMIT)
    assert (report["config"], report["split"]) == ("default", "train")
    assert (report["format"], report["rows_imported"]) == ("alpaca", 2)
    assert (report["bytes"], report["sha256"]) == (None, None)
    assert set(hub.tokens) - {None} == {"Bearer hf_annas"}  # type: ignore[attr-defined]


def test_who_wants_the_first_rows_does_not_wait_for_the_last_shard(
    hub: ThreadingHTTPServer, tmp_path: Path
) -> None:
    hub.asked.clear()  # type: ignore[attr-defined]

    [answer] = fetch(_address(hub), tmp_path, {"id": "anna/shards"}, probe=_FIRST_ROWS_PROBE)

    fetched = {name for command, name in hub.asked if command == "GET"}  # type: ignore[attr-defined]
    assert answer == ["default", [ROW, ROW]]
    assert "train-00000-of-00003.parquet" in fetched
    assert "train-00002-of-00003.parquet" not in fetched


@pytest.mark.parametrize(
    "name",
    ["", "../..", "a/../b", "/etc/passwd", "https://a.b/c", "a/b/c", "a b", "hf://x/y", "-a/b"],
)
def test_what_is_not_a_name_on_the_hub_is_refused(name: str) -> None:
    with pytest.raises(DatasetError, match="is not a dataset of the Hub"):
        HubDataset(id=name)

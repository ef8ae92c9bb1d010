"""Datasets are fetched from a server of our own that speaks the Hub's protocol.

The libraries read the address of the Hub when they are imported, so each fetch is a process.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.tools.hub.dataset_hub import COMMIT, ROOT, ROW, DatasetHub, dataset_hub
from tools.errors import DatasetError
from tools.hub.fetch_dataset import HubDataset

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


@pytest.fixture(scope="module")
def hub() -> Iterator[DatasetHub]:
    with dataset_hub() as server:
        yield server


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


@pytest.fixture(scope="module")
def answers(hub: DatasetHub, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What came of all of `FETCHED` and `REFUSED`."""
    wanted = [dataset for dataset, _ in [*FETCHED, *REFUSED]]
    return fetch(hub.address, tmp_path_factory.mktemp("home"), *wanted)


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
    hub: DatasetHub, answers: list[dict[str, Any]]
) -> None:
    assert set(hub.tokens) <= {None, "Bearer hf_annas"}


def test_an_import_records_the_commit_and_sends_the_given_token(
    hub: DatasetHub, tmp_path: Path
) -> None:
    hub.tokens.clear()

    [report] = fetch(
        hub.address, tmp_path, {"id": "anna/chats"}, token="hf_annas", probe=_IMPORT_PROBE
    )

    assert report.pop("dataset").startswith("anna-chats-")
    assert (report["source"], report["revision"]) == ("anna/chats", COMMIT)
    assert (report["config"], report["split"]) == ("default", "train")
    assert (report["format"], report["rows_imported"]) == ("alpaca", 2)
    assert (report["bytes"], report["sha256"]) == (None, None)
    assert set(hub.tokens) - {None} == {"Bearer hf_annas"}


def test_who_wants_the_first_rows_does_not_wait_for_the_last_shard(
    hub: DatasetHub, tmp_path: Path
) -> None:
    hub.asked.clear()

    [answer] = fetch(hub.address, tmp_path, {"id": "anna/shards"}, probe=_FIRST_ROWS_PROBE)

    fetched = {name for command, name in hub.asked if command == "GET"}
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

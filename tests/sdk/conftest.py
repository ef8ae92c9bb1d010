from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from crewtune import Studio
from tests.sdk.command import CommandLine
from tests.sdk.real_studio import PASSWORD, QUICK, Connect, RealStudio


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealStudio]:
    """A studio, for all tests: every test has a person of its own."""
    studio = RealStudio(tmp_path_factory.mktemp("studio"))
    yield studio
    studio.close()


@pytest.fixture
def connect() -> Iterator[Connect]:
    """Opens clients, and closes them after the test."""
    with ExitStack() as opened:
        yield lambda url, **given: opened.enter_context(Studio(url, **{"retry": QUICK, **given}))


@pytest.fixture
def username(running: RealStudio) -> str:
    """Name of an admin that only this test knows."""
    return running.new_person()


@pytest.fixture
def anna(running: RealStudio, username: str, connect: Connect) -> Iterator[Studio]:
    """A client that somebody is signed in to."""
    studio = connect(running.url)
    studio.sign_in(username, PASSWORD)
    yield studio
    running.end_all()


@pytest.fixture
def chats(tmp_path: Path) -> Path:
    """A data file of forty rows."""
    path = tmp_path / "chats.jsonl"
    row = '{"messages":[{"role":"user","content":"Say %d"},{"role":"assistant","content":"%d"}]}\n'
    path.write_text("".join(row % (one, one) for one in range(40)), encoding="utf-8")
    return path


@pytest.fixture
def dataset(running: RealStudio, anna: Studio, chats: Path) -> str:
    """Name of a dataset of anna's."""
    job = anna.add_dataset("chats", upload=anna.upload(chats).upload)
    running.do(job.id)
    return "chats"


@pytest.fixture
def crewtune(running: RealStudio, anna: Studio, username: str, tmp_path: Path) -> CommandLine:
    """The command line of the person that `anna` is, signed in."""
    line = CommandLine(tmp_path, running.url)
    line.done("login", "-u", username, "--password-stdin", typed=f"{PASSWORD}\n")
    return line

import stat
from pathlib import Path

from pydantic import SecretStr

from crewtune import Credentials, FileStore
from crewtune.credentials import current_url

ANNA = Credentials(
    username="anna", access_token=SecretStr("one-secret"), refresh_token=SecretStr("two-secret")
)


def test_what_is_kept_is_found_again(tmp_path: Path) -> None:
    file = tmp_path / "crewtune" / "credentials.json"

    FileStore(file, "http://a/").save(ANNA)

    assert FileStore(file, "http://a").load() == ANNA
    assert current_url(file) == "http://a"


def test_only_its_owner_may_read_the_file(tmp_path: Path) -> None:
    file = tmp_path / "crewtune" / "credentials.json"
    store = FileStore(file, "http://a")
    store.save(ANNA)
    file.chmod(0o644)

    store.save(ANNA)

    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert [one.name for one in file.parent.iterdir()] == ["credentials.json"]


def test_each_studio_has_its_own(tmp_path: Path) -> None:
    file = tmp_path / "credentials.json"
    here, there = FileStore(file, "http://here"), FileStore(file, "http://there")
    here.save(ANNA)
    there.save(Credentials(username="ben"))

    there.clear()

    assert there.load() is None
    assert here.load() == ANNA
    assert current_url(file) is None


def test_a_file_that_was_spoilt_means_signed_out(tmp_path: Path) -> None:
    file = tmp_path / "credentials.json"
    file.write_text('{"studios": {"http://a": ', encoding="utf-8")
    store = FileStore(file, "http://a")

    assert store.load() is None
    store.save(ANNA)
    assert store.load() == ANNA


def test_printed_credentials_show_no_secret() -> None:
    assert "secret" not in f"{ANNA} {ANNA!r} {ANNA.model_dump_json()}"

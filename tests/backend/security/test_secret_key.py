import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from pydantic import SecretStr

from backend.security.secret_key import WeakSecret, signing_secret


def test_a_secret_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "data"

    first = signing_secret(None, folder)

    assert signing_secret(None, folder) == first
    assert len(first) == 64
    assert [path.name for path in folder.iterdir()] == ["secret.key"]
    assert stat.S_IMODE((folder / "secret.key").stat().st_mode) == 0o600


def test_processes_that_start_at_once_share_one_secret(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: signing_secret(None, tmp_path), range(8)))

    assert len(set(made)) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["secret.key"]


def test_a_secret_that_is_set_is_used(tmp_path: Path) -> None:
    given = "0123456789abcdef0123456789abcdef"

    assert signing_secret(SecretStr(given), tmp_path) == given.encode()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "weak",
    [
        "",
        "changeme",
        "0123456789abcdef0123456789abcde",
        "a" * 64,
        "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYI",
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl",
    ],
)
def test_a_secret_that_could_be_guessed_is_refused_and_not_shown(tmp_path: Path, weak: str) -> None:
    with pytest.raises(WeakSecret) as refused:
        signing_secret(SecretStr(weak), tmp_path)

    assert "CREWTUNE_SECRET_KEY" in str(refused.value)
    assert not weak or weak not in str(refused.value)


def test_a_key_file_that_was_cut_off_is_refused(tmp_path: Path) -> None:
    (tmp_path / "secret.key").write_text("short", encoding="utf-8")

    with pytest.raises(WeakSecret, match=r"secret\.key"):
        signing_secret(None, tmp_path)

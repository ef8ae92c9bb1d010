"""How the API starts: fast, with a secret of its own, and with nobody in it."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from backend.main import create_app
from backend.security.secret_key import WeakSecret
from backend.settings import Settings
from tests.backend.api import Api
from tests.tools.test_import_is_cheap import loaded_by

ROOT = Path(__file__).parents[3]


def settings(folder: Path, **given: object) -> Settings:
    return Settings(_env_file=None, CREWTUNE_DATA_DIR=folder, **given)  # type: ignore[arg-type, call-arg]


def test_importing_the_api_loads_none_of_the_training_stack() -> None:
    assert loaded_by("backend.main") == set()


def test_without_a_secret_one_is_made_and_kept(tmp_path: Path) -> None:
    app = create_app(settings(tmp_path / "data"))
    app.state.engine.dispose()

    assert (tmp_path / "data" / "secret.key").stat().st_mode & 0o077 == 0


def test_a_weak_secret_ends_the_start_and_is_not_shown(tmp_path: Path) -> None:
    with pytest.raises(WeakSecret) as refused:
        create_app(settings(tmp_path, CREWTUNE_SECRET_KEY="changeme-changeme"))

    assert "changeme" not in str(refused.value)


@pytest.mark.parametrize("hosts", ["a*b", "http://studio.example", "*x"])
def test_a_host_that_is_no_name_is_refused_by_the_settings(tmp_path: Path, hosts: str) -> None:
    with pytest.raises(ValidationError):
        settings(tmp_path, CREWTUNE_ALLOWED_HOSTS=hosts)


def test_there_is_no_account_and_no_way_in_at_the_start(api: Api) -> None:
    for username, password in (("admin", "admin"), ("admin", "password"), ("root", "root")):
        given = {"username": username, "password": password}
        assert api.client.post("/api/auth/token", data=given).status_code == 401
    eve = {"username": "eve", "password": "a quiet river runs north"}
    assert api.client.post("/api/auth/register", json=eve).status_code == 403
    asked = {**eve, "setup_code": ""}
    assert api.client.post("/api/auth/setup", json=asked).status_code == 403

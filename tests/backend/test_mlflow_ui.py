import socket
from pathlib import Path

import pytest

from backend.mlflow_ui import main, server_command
from backend.settings import Settings
from tools.errors import TrackingError


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("CREWTUNE_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("CREWTUNE_MLRUNS_DIR", str(tmp_path / "mlruns"))
    return Settings()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_the_server_listens_on_this_machine_alone_with_one_worker(settings: Settings) -> None:
    command = " ".join(server_command(settings, free_port()))

    assert "--host 127.0.0.1" in command
    assert "--workers 1" in command
    assert str(settings.data_dir / "mlflow.db") in command


def test_a_taken_port_is_named_with_the_remedy(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        assert main(["--port", str(port)]) == 1

    assert f"Port {port} is taken. Choose another" in capsys.readouterr().err


def test_a_server_that_is_set_is_pointed_to_without_its_password(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://anna:secret@tracking:5000")

    with pytest.raises(TrackingError, match="at http://tracking:5000") as refusal:
        server_command(Settings(), 5000)

    assert "secret" not in str(refusal.value)


@pytest.mark.parametrize("port", ["0", "70000", "-1", "http"])
def test_what_is_no_port_is_named(port: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--port", port])

    assert ended.value.code == 2
    assert "is not a port: give 1 to 65535" in capsys.readouterr().err


def test_a_setting_that_cannot_be_used_is_named_without_its_value(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "secret-host:5000")

    assert main([]) == 1

    said = capsys.readouterr().err
    assert said.startswith("Stopped: MLFLOW_TRACKING_URI: ")
    assert "secret-host" not in said


def test_a_database_that_is_set_is_served(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'own.db'}")

    assert f"sqlite:///{tmp_path / 'own.db'}" in server_command(Settings(), free_port())

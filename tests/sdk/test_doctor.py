import socket
from pathlib import Path
from typing import Any

import pytest

from crewtune.environment import read_environment
from crewtune.machine import free_memory_gib
from tests.sdk.command import CommandLine
from tests.sdk.real_studio import RealStudio, free_port
from tests.sdk.small_server import Exchange, small_server


def quiet(**settings: str) -> dict[str, str]:
    """Settings with which nothing but the studio is asked."""
    ports = {f"CREWTUNE_{name}_PORT": str(free_port()) for name in ("API", "UI", "MLFLOW")}
    return {**ports, "HF_HUB_OFFLINE": "1", "MLFLOW_TRACKING_URI": "sqlite:///x.db", **settings}


def checks(line: CommandLine) -> dict[str, dict[str, Any]]:
    return {one["name"]: one for one in line.lines("doctor")[0]["checks"]}


def test_a_studio_that_one_is_signed_in_to_is_well(
    crewtune: CommandLine, running: RealStudio, username: str, tmp_path: Path
) -> None:
    line = CommandLine(tmp_path, running.url, **quiet())

    found = checks(line)

    assert found["Python"]["state"] == "ok"
    assert found["studio"]["state"] == "ok"
    assert found["sign-in"]["found"] == f"{username} (admin)"
    assert found["MLflow"]["state"] == found["Hub"]["state"] == "ok"
    assert found["language model"]["found"] == "none is set: rules decide"
    assert not {"disk", "memory", "GPU"} - set(found)


def test_who_is_not_signed_in_is_told_to(running: RealStudio, tmp_path: Path) -> None:
    found = checks(CommandLine(tmp_path, running.url, **quiet()))

    assert found["studio"]["state"] == "ok"
    assert found["sign-in"] == {
        "name": "sign-in",
        "state": "warning",
        "found": "you are not signed in",
        "remedy": "Run: crewtune login",
    }


def test_a_problem_ends_with_1_and_says_what_to_do(tmp_path: Path) -> None:
    line = CommandLine(tmp_path, f"http://127.0.0.1:{free_port()}", **quiet())

    assert "`make up`" in line.refused(1, "doctor")


def test_a_port_is_free_or_ours_or_anothers(running: RealStudio, tmp_path: Path) -> None:
    ours = running.url.rpartition(":")[2]
    with socket.create_server(("127.0.0.1", 0)) as silent, small_server(hello) as another:
        silent.close()
        settings = quiet(
            CREWTUNE_API_PORT=ours,
            CREWTUNE_UI_PORT=str(another.server_port),
            CREWTUNE_MLFLOW_PORT=str(free_port()),
        )
        found = checks(CommandLine(tmp_path, running.url, **settings))

    assert found[f"port {ours}"]["found"] == "held by the API"
    taken = found[f"port {another.server_port}"]
    assert taken["state"] == "problem"
    assert "CREWTUNE_UI_PORT" in taken["remedy"]
    assert found[f"port {settings['CREWTUNE_MLFLOW_PORT']}"]["found"] == "free for MLflow"


def hello(exchange: Exchange) -> None:
    exchange.say(200, "<html>hello</html>")


def test_a_port_that_is_none_is_a_problem(running: RealStudio, tmp_path: Path) -> None:
    found = checks(CommandLine(tmp_path, running.url, **quiet(CREWTUNE_UI_PORT="eighty")))

    assert found["port eighty"]["state"] == "problem"


@pytest.mark.parametrize(
    ("status", "content", "state", "said"),
    [
        (200, {"data": [{"id": "qwen3:8b"}]}, "ok", "qwen3:8b at"),
        (200, {"data": [{"id": "llama"}]}, "problem", "llama"),
        (401, {}, "problem", "LLM_API_KEY"),
        (404, "nothing", "warning", "/v1"),
    ],
)
def test_the_language_model_is_asked_for(
    running: RealStudio, tmp_path: Path, status: int, content: Any, state: str, said: str
) -> None:
    with small_server(lambda exchange: exchange.say(status, content)) as server:
        settings = quiet(
            LLM_BASE_URL=f"{server.url}/v1", LLM_MODEL="qwen3:8b", LLM_API_KEY="sk-secret"
        )
        found = checks(CommandLine(tmp_path, running.url, **settings))["language model"]

    assert found["state"] == state
    assert said in f"{found['found']} {found['remedy']}"
    assert "sk-secret" not in str(found)
    assert server.asked[0].path == "/v1/models"
    assert server.asked[0].headers["Authorization"] == "Bearer sk-secret"


@pytest.mark.parametrize("half", ["LLM_BASE_URL", "LLM_MODEL"])
def test_half_a_language_model_is_a_problem(running: RealStudio, tmp_path: Path, half: str) -> None:
    found = checks(CommandLine(tmp_path, running.url, **quiet(**{half: "http://x"})))

    assert found["language model"]["state"] == "problem"


def test_the_hub_and_mlflow_are_asked_and_shown_without_their_passwords(
    running: RealStudio, tmp_path: Path
) -> None:
    with small_server(lambda exchange: exchange.say(200, "OK")) as server:
        address = server.url.replace("http://", "http://anna:secret@")
        settings = {"HF_HUB_OFFLINE": "0", "HF_ENDPOINT": address, "MLFLOW_TRACKING_URI": address}
        found = checks(CommandLine(tmp_path, running.url, **quiet(**settings)))

    assert found["Hub"]["state"] == found["MLflow"]["state"] == "ok"
    assert "secret" not in str(found)


def test_away_is_a_warning_for_what_the_studio_can_do_without(
    running: RealStudio, tmp_path: Path
) -> None:
    nowhere = f"http://127.0.0.1:{free_port()}"
    settings = {"HF_HUB_OFFLINE": "0", "HF_ENDPOINT": nowhere, "MLFLOW_TRACKING_URI": nowhere}
    found = checks(CommandLine(tmp_path, running.url, **quiet(**settings)))

    assert found["Hub"]["state"] == found["MLflow"]["state"] == "warning"


def test_memory_is_what_the_container_has_left(tmp_path: Path) -> None:
    meminfo, cgroup = tmp_path / "meminfo", tmp_path / "cgroup"
    meminfo.write_text("MemTotal: 9\nMemAvailable: 8388608 kB\n", encoding="ascii")
    cgroup.mkdir()
    assert free_memory_gib(meminfo, cgroup) == 8

    (cgroup / "memory.max").write_text(str(3 * 2**30), encoding="ascii")
    (cgroup / "memory.current").write_text(str(2**30), encoding="ascii")

    assert free_memory_gib(meminfo, cgroup) == 2
    assert free_memory_gib(tmp_path / "nothing", cgroup) is None


def test_the_environment_goes_before_the_env_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text(
        "# LLM_MODEL=commented\nexport LLM_MODEL='qwen3:8b'\nHF_ENDPOINT=http://file\nX=1\n",
        encoding="utf-8",
    )

    environment = read_environment(
        {
            "HF_ENDPOINT": "http://variable",
            "CREWTUNE_URL": "http://studio",
            "CREWTUNE_API_KEY": "ct_key\n",
            "XDG_CONFIG_HOME": "/somewhere",
        }
    )

    assert environment.setting("LLM_MODEL") == "qwen3:8b"
    assert environment.setting("HF_ENDPOINT") == "http://variable"
    assert environment.setting("X") is None
    assert environment.address(None) == "http://studio"
    assert environment.api_key is not None
    assert environment.api_key.get_secret_value() == "ct_key"
    assert "ct_key" not in repr(environment)
    assert environment.credentials == Path("/somewhere/crewtune/credentials.json")


def test_the_studio_is_where_make_up_starts_it_from_this_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    def address(port: str) -> str:
        (tmp_path / ".env").write_text(f"CREWTUNE_API_PORT={port}\n", encoding="utf-8")
        return read_environment({"XDG_CONFIG_HOME": str(tmp_path)}).address(None)

    assert [address(port) for port in ("8640", "eighty", "99999", "")] == [
        "http://127.0.0.1:8640",
        *["http://127.0.0.1:8000"] * 3,
    ]


def test_a_relative_config_folder_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    environment = read_environment({"XDG_CONFIG_HOME": "relative"})

    assert environment.credentials == Path.home() / ".config/crewtune/credentials.json"

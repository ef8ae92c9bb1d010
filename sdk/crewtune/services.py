"""What `doctor` asks over the network: ports, Hub, MLflow, language model and studio."""

import errno
import socket
from typing import Any
from urllib.parse import urlsplit

import httpx2

from crewtune.check import Check, ok, problem, warning
from crewtune.connection import is_local
from crewtune.environment import Environment
from crewtune.errors import ApiError, NotSignedIn, Unreachable
from crewtune.studio import Studio

_SECONDS = 5.0
_HUB = "https://huggingface.co"
_MLFLOW = "http://127.0.0.1:5000"


def check_ports(environment: Environment, studio: Studio) -> list[Check]:
    """Look whether our three ports are free, or held by the studio."""
    own = urlsplit(studio.url).port
    usual = str(own) if own else "8000"
    found = []
    for name, setting, default, path, sign in (
        ("the API", "CREWTUNE_API_PORT", usual, "/health", '"ok"'),
        ("the UI", "CREWTUNE_UI_PORT", "8501", "/_stcore/health", "ok"),
        ("MLflow", "CREWTUNE_MLFLOW_PORT", "5000", "/health", "OK"),
    ):
        given = environment.setting(setting) or default
        found += _check_port(f"port {given}", name, setting, address=given, answer=(path, sign))
    return found


def _check_port(
    what: str, name: str, setting: str, *, address: str, answer: tuple[str, str]
) -> list[Check]:
    if not address.isdecimal() or not 0 < int(address) < 65536:
        return problem(what, "is no port", f"Set {setting} to a number from 1024 to 65535.")
    if port_is_free(int(address)):
        return ok(what, f"free for {name}")
    response = _ask(f"http://127.0.0.1:{address}{answer[0]}")
    if response is not None and response.is_success and answer[1] in response.text:
        return ok(what, f"held by {name}")
    remedy = f"`ss -ltnp` shows by what. End it, or set {setting} to another port."
    return problem(what, f"held by another program, and {name} needs it", remedy)


def check_hub(environment: Environment) -> list[Check]:
    """Ask whether the Hugging Face Hub answers."""
    if (environment.setting("HF_HUB_OFFLINE") or "").lower() in ("1", "true", "yes", "on"):
        return ok("Hub", "not asked: HF_HUB_OFFLINE is set")
    url = (environment.setting("HF_ENDPOINT") or _HUB).rstrip("/")
    response = _ask(f"{url}/api/models?limit=1")
    if response is not None and response.is_success:
        return ok("Hub", f"{_shown(url)} answers")
    found = "does not answer" if response is None else f"answers {response.status_code}"
    remedy = "Check network and proxy, or set HF_ENDPOINT to a mirror. What is here works."
    return warning("Hub", f"{_shown(url)} {found}", remedy)


def check_mlflow(environment: Environment) -> list[Check]:
    """Ask whether MLflow answers."""
    uri = environment.setting("MLFLOW_TRACKING_URI")
    if uri and not uri.startswith(("http://", "https://")):
        return ok("MLflow", "a database, which needs no server")
    port = environment.setting("CREWTUNE_MLFLOW_PORT")
    url = (uri or (f"http://127.0.0.1:{port}" if port else _MLFLOW)).rstrip("/")
    response = _ask(f"{url}/health")
    if response is not None and response.is_success:
        return ok("MLflow", f"{_shown(url)} answers")
    remedy = "Start it with `make up`, or correct MLFLOW_TRACKING_URI. No job needs it."
    return warning("MLflow", f"{_shown(url)} does not answer", remedy)


def check_language_model(environment: Environment) -> list[Check]:
    """Ask whether the endpoint of the agents' language model answers, and has the model."""
    what = "language model"
    url, model = environment.setting("LLM_BASE_URL"), environment.setting("LLM_MODEL")
    if not url and not model:
        return ok(what, "none is set: rules decide")
    if not url or not model:
        return problem(what, "half of it is set", "Set LLM_BASE_URL and LLM_MODEL, or neither.")
    key = environment.setting("LLM_API_KEY")
    response = _ask(f"{url.rstrip('/')}/models", key)
    if response is None:
        remedy = "Start it, or correct LLM_BASE_URL, e.g. http://127.0.0.1:11434/v1"
        return problem(what, f"{_shown(url)} does not answer", remedy)
    if response.status_code in (401, 403):
        return problem(what, f"{_shown(url)} refuses the key", "Set LLM_API_KEY to one it takes.")
    names = _model_names(response)
    if names is None:
        remedy = "Correct LLM_BASE_URL; most end in /v1"
        return warning(what, f"{_shown(url)} answers, and lists no models", remedy)
    if model not in names:
        remedy = f"Set LLM_MODEL to one it has: {', '.join(sorted(names)[:5]) or 'none yet'}"
        return problem(what, f"{_shown(url)} has no {model}", remedy)
    return ok(what, f"{model} at {_shown(url)}")


def check_studio(studio: Studio) -> list[Check]:
    """Ask whether the studio answers, and who we are there."""
    try:
        user = studio.me()
    except Unreachable:
        remedy = "Start it with `make up`, or give its address: --url or CREWTUNE_URL"
        return problem("studio", f"nothing answers at {studio.url}", remedy)
    except NotSignedIn:
        return [
            *ok("studio", f"{studio.url} answers"),
            *warning("sign-in", "you are not signed in", "Run: crewtune login"),
        ]
    except ApiError as error:
        return problem("studio", str(error), "Check the address: --url or CREWTUNE_URL")
    return [
        *ok("studio", f"{studio.url} answers"),
        *ok("sign-in", f"{user.username} ({user.role})"),
    ]


def port_is_free(port: int) -> bool:
    """Return whether a server could be started on that port of this machine."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as server:
        # As servers do: a port whose last connections are still ending is free.
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            server.bind(("127.0.0.1", port))
        except OSError as error:
            return error.errno not in (errno.EADDRINUSE, errno.EACCES)
    return True


def _ask(url: str, key: str | None = None) -> httpx2.Response | None:
    """Return what answers at `url`; None when nothing does, or nothing that speaks HTTP."""
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    try:
        with httpx2.Client(timeout=_SECONDS, trust_env=not is_local(url)) as http:
            return http.get(url, headers=headers)
    except (httpx2.HTTPError, httpx2.InvalidURL, ValueError):
        return None


def _model_names(response: httpx2.Response) -> set[str] | None:
    try:
        content: Any = response.json()
        return {str(one["id"]) for one in content["data"]} if response.is_success else None
    except (ValueError, KeyError, TypeError):
        return None


def _shown(url: str) -> str:
    """Return `url` without a password or key that stands in it."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"

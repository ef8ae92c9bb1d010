"""What a newcomer gets wrong, looked at one by one, all at the same time.

Every check says what it found and what to do. None needs the studio's packages, and none changes
anything. Not covered: whether a training would fit; `crewtune train` says that.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from crewtune import machine, services
from crewtune.check import Check
from crewtune.connection import is_local
from crewtune.environment import Environment
from crewtune.studio import Studio


def examine(environment: Environment, studio: Studio) -> list[Check]:
    """Return what was found, in an order to be read in."""
    checks: list[Callable[[], list[Check]]] = [machine.check_python]
    if is_local(studio.url):
        checks += [
            partial(services.check_ports, environment, studio),
            partial(machine.check_disk, environment),
            machine.check_memory,
            machine.check_gpu,
            partial(services.check_hub, environment),
            partial(services.check_mlflow, environment),
            partial(services.check_language_model, environment),
        ]
    checks.append(partial(services.check_studio, studio))
    with ThreadPoolExecutor(len(checks)) as pool:
        return [one for found in pool.map(lambda check: check(), checks) for one in found]

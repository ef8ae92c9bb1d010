"""How long /health takes while eight clients sign in at once, against alone.

A password is hashed slowly on purpose. The studio hashes one at a time and lets few wait; the rest
are told to come again (429), which is right, and counted here.
"""

import argparse
import asyncio
import sys
import time
from collections import Counter

import httpx2

from benchmarks.figures import Delays, kept, say, show, show_facts, show_machine
from benchmarks.steady import Steady
from benchmarks.studio import NAME, PASSWORD, Running, running_studio

_CLIENTS = 8
_PER_SECOND = 50
_HEALTH = {"health": "/health"}
_WARM_UP_SECONDS = 2
_AGAIN_SECONDS = 0.1  # after a refusal: less patient than the two seconds that are asked for


def main() -> int:
    """Measure, and return 0 when the bound was kept."""
    parser = argparse.ArgumentParser(prog="benchmarks.sign_ins", description=__doc__)
    parser.add_argument("--seconds", type=float, default=15, help="how long each side is measured")
    parser.add_argument("--p99-ms", type=float, default=100, help="bound of /health's p99")
    given = parser.parse_args()
    show_machine()
    with running_studio() as studio:
        say(f"{_PER_SECOND} requests a second for /health, {given.seconds:g} s alone ...")
        alone, answers = asyncio.run(_measure(studio, given.seconds, clients=0))
        say(f"... and {given.seconds:g} s while {_CLIENTS} clients sign in ...")
        loaded, answers = asyncio.run(_measure(studio, given.seconds, clients=_CLIENTS))
    show("/health", ("alone", alone), (f"{_CLIENTS} clients sign in", loaded))
    counted = ", ".join(f"{status}: {count}" for status, count in sorted(answers.items()))
    show_facts({"answers to the sign-ins": counted})
    if set(answers) - {200, 429} or not answers[200]:
        say("Something else than 200 and 429 was answered, or nobody got in.")
        return 1
    return 0 if kept("p99 while others sign in", loaded.p99, given.p99_ms) else 1


async def _measure(studio: Running, seconds: float, clients: int) -> tuple[Delays, Counter[int]]:
    answers: Counter[int] = Counter()
    async with httpx2.AsyncClient(base_url=studio.url, trust_env=False, timeout=30) as client:
        await Steady(client, _HEALTH).ask(_PER_SECOND, _WARM_UP_SECONDS)
        until = time.monotonic() + seconds
        health = Steady(client, _HEALTH)
        async with asyncio.TaskGroup() as group:
            for _ in range(clients):
                group.create_task(_sign_in_until(client, until, answers))
            group.create_task(health.ask(_PER_SECOND, seconds))
    if set(health.statuses) != {200}:
        raise RuntimeError(f"/health answered {dict(health.statuses)}.")
    return Delays.of(health.all_delays), answers


async def _sign_in_until(client: httpx2.AsyncClient, until: float, answers: Counter[int]) -> None:
    while time.monotonic() < until:
        form = {"username": NAME, "password": PASSWORD}
        answer = await client.post("/api/auth/token", data=form)
        answers[answer.status_code] += 1
        if answer.status_code != 200:
            await asyncio.sleep(_AGAIN_SECONDS)


if __name__ == "__main__":
    sys.exit(main())

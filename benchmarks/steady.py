"""Ask at a steady pace, whether or not the answers keep up with it.

A delay begins when the request was due, so that one slow answer also counts in those behind it.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Mapping
from itertools import cycle

import httpx2


class Steady:
    """Asks for some addresses in turn, and keeps how long each answer took."""

    def __init__(self, client: httpx2.AsyncClient, addresses: Mapping[str, str]) -> None:
        """Prepare to ask for `addresses`, by the names they have in what is shown."""
        self._client = client
        self._turn = cycle(addresses.items())
        self.delays: dict[str, list[float]] = {name: [] for name in addresses}
        self.statuses: Counter[int] = Counter()

    @property
    def all_delays(self) -> list[float]:
        """How long the answers took, whatever was asked for."""
        return [delay for delays in self.delays.values() for delay in delays]

    async def ask(self, per_second: float, seconds: float) -> None:
        """Ask for so long, and wait for the last answer."""
        begin = time.monotonic()
        async with asyncio.TaskGroup() as asked:
            for number in range(round(per_second * seconds)):
                due = begin + number / per_second
                await asyncio.sleep(max(0.0, due - time.monotonic()))
                name, address = next(self._turn)
                asked.create_task(self._ask_one(name, address, due))

    async def _ask_one(self, name: str, address: str, due: float) -> None:
        answer = await self._client.get(address)
        self.delays[name].append(time.monotonic() - due)
        self.statuses[answer.status_code] += 1

"""Whatever servers and callers do, nobody gets the answer to another's request."""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.channels.line import Answer, Line, Unanswered, Unsent, Waits, place_of
from tests.channels.lines import answer, hears, listening

WAITS = Waits(connection_s=10.0, silence_s=20.0, answer_s=20.0, keep_s=10.0)
WAYS = (
    "answers",
    "in pieces",
    "chunked",
    "then closes",
    "twice",
    "hangs up",
    "half",
    "garbage",
    "late",
    "as she leaves",
)
FAILS = {"hangs up", "half", "garbage"}


@dataclass
class Server:
    """Does with each request what stands in it. What is late is answered when it is released."""

    heard: dict[int, asyncio.Event] = field(default_factory=lambda: defaultdict(asyncio.Event))
    release: asyncio.Event = field(default_factory=asyncio.Event)
    times: dict[int, int] = field(default_factory=lambda: defaultdict(int))

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            number, way = json.loads(await hears(reader))
            self.times[number] += 1
            self.heard[number].set()
            if way == "late":
                await self.release.wait()
            for piece in _pieces(number, way):
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(0)
            if way in {"hangs up", "half", "then closes"}:
                return


def _pieces(number: int, way: str) -> list[bytes]:
    body = b"%d" % number
    whole = answer(body)
    match way:
        case "in pieces":
            return [whole[at : at + 3] for at in range(0, len(whole), 3)]
        case "chunked":
            return [
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
                b"%x\r\n%b\r\n" % (len(body), body),
                b"0\r\n\r\n",
            ]
        case "then closes":
            return [answer(body, more="Connection: close\r\n")]
        case "twice":
            return [whole + answer(b"-1")]
        case "hangs up":
            return []
        case "half":
            return [whole[:-1]]
        case "garbage":
            return [b"\x16\x03\x01" + whole]
        case _:
            return [whole]


async def _asked(line: Line, head: bytes, server: Server, number: int, way: str) -> Answer | None:
    """Return the answer to one request, None if there was none."""
    waiting = asyncio.ensure_future(line.post(head, json.dumps([number, way]).encode()))
    if way in {"late", "as she leaves"}:
        heard = asyncio.ensure_future(server.heard[number].wait())
        await asyncio.wait([heard, waiting], return_when=asyncio.FIRST_COMPLETED)
        heard.cancel()
        waiting.cancel()
    try:
        return await waiting
    except (asyncio.CancelledError, Unanswered, Unsent):
        return None


async def _play(groups: Sequence[Sequence[str]], connections: int) -> tuple[dict[int, Answer | None], Server]:
    server = Server()
    found: dict[int, Answer | None] = {}
    async with listening(server) as port:
        place, path = place_of(f"http://127.0.0.1:{port}/x")
        line = Line(place, connections=connections, waits=WAITS)
        head = line.head(path)
        for at, group in enumerate(groups):
            numbers = [1000 * at + each for each in range(len(group))]
            asking = asyncio.gather(
                *(_asked(line, head, server, number, way) for number, way in zip(numbers, group, strict=True))
            )
            await asyncio.sleep(0)
            server.release.set()  # what the group before left behind is answered while this one asks
            server.release = asyncio.Event()
            found |= dict(zip(numbers, await asyncio.wait_for(asking, 30), strict=True))
        server.release.set()
        await line.close()
    return found, server


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.sampled_from(WAYS), min_size=1, max_size=5), min_size=1, max_size=6), st.integers(1, 3))
def test_everybody_gets_her_own_answer_or_none_and_nothing_is_asked_twice(
    groups: list[list[str]], connections: int
) -> None:
    found, server = asyncio.run(_play(groups, connections))
    for number, result in found.items():
        way = groups[number // 1000][number % 1000]
        if way in FAILS:
            assert result is None
        elif way not in {"late", "as she leaves"}:
            assert result == (200, b"%d" % number), way
        else:
            assert result in {None, (200, b"%d" % number)}
    assert all(times == 1 for times in server.times.values())

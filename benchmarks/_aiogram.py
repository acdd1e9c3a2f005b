"""The peer that cannot live in our environment, since it wants another pydantic: run by an interpreter of its own.

`python benchmarks/_aiogram.py <server> <token> <messages>` prints messages a second.
"""

from __future__ import annotations

import asyncio
import sys
import time

from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer

WORKERS = 100
FIRST_CHAT = 1_000_000
TEXT = "Mời chị em đến sinh hoạt chi hội lúc 19 giờ thứ bảy tại nhà văn hóa làng."


async def main(server: str, token: str, messages: int) -> None:
    """Let 100 workers send."""
    session = AiohttpSession(api=TelegramAPIServer.from_base(server), limit=WORKERS)
    numbers = iter(range(messages))
    async with Bot(token, session=session) as bot:

        async def work() -> None:
            for number in numbers:
                await bot.send_message(FIRST_CHAT + number, TEXT)

        began = time.perf_counter()
        await asyncio.gather(*(work() for _ in range(WORKERS)))
        print(messages / (time.perf_counter() - began))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))

"""Ask the platform who we are, for whoever sets the program up."""

from __future__ import annotations

from telegram.error import TelegramError

from bot.channels.telegram.api import Api
from bot.channels.telegram.errors import judged


async def name_of(token: str, api_url: str) -> str:
    """Return the bot's name. Raises a `bot.channels.base.SendError` that tells what is wrong."""
    api = Api(token, api_url, connections=1)
    await api.open()
    try:
        found = await api.bot.get_me()
    except TelegramError as error:
        meant = judged(error)
    else:
        return found.username or ""
    finally:
        await api.close()
    raise meant

"""Ask the platform who we are, for whoever sets the program up."""

from __future__ import annotations

from bot.channels.base import Unclear
from bot.channels.zalo_bot.api import Api


async def name_of(token: str, api_url: str) -> str:
    """Return the bot's name. Raises a `bot.channels.base.SendError` that tells what is wrong."""
    api = Api(token, api_url, connections=1)
    await api.open()
    try:
        return account_name(await api.call("getMe"))
    finally:
        await api.close()


def account_name(found: object) -> str:
    """Return the name in an answer of `getMe`; `Unclear` if there is none."""
    if not isinstance(found, dict):
        raise Unclear("garbled")
    name = found.get("display_name") or found.get("account_name")
    return name if isinstance(name, str) else ""

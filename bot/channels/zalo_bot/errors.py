"""What each answer of the platform means for a message: a table, one row a case.

Refusals come with HTTP status 200 and a code of their own; their words may change, so the code decides and words only
where there is no finer code. Codes and words as documented and as measured by integrators until October 2026. There is
none for somebody who blocked the bot.
"""

from __future__ import annotations

from dataclasses import dataclass

from bot.channels.base import ChannelDown, NotSent, PictureRefused, Refused, SendError, TooManyRequests, Unclear

FIRST_WAIT_S = 30.0
LONGEST_WAIT_S = 3600.0
"""The platform never says how long to wait: ever longer, up to this."""


class ApiRefusal(Exception):
    """The platform answered and did not do it. `words` are its description in lower case, never logged."""

    def __init__(self, code: int, words: str) -> None:
        super().__init__(f"code {code}")
        self.code = code
        self.words = words


@dataclass(frozen=True, slots=True)
class Row:
    """An answer (its `code` and, in lower case, `words` of its description) and what it means for a message.

    `reason` is the word kept with the delivery; officers read `broadcast.reason.<reason>`.
    """

    code: int
    words: str
    means: type[Refused] | type[ChannelDown] | type[NotSent] | type[Unclear]
    reason: str


ROWS = (
    Row(400, "photo", PictureRefused, "picture"),
    Row(400, "", Refused, "refused"),
    Row(401, "", ChannelDown, "token_refused"),
    # Their "internal server error"; it says nothing about the person, whatever the number means elsewhere.
    Row(403, "", NotSent, "platform_error"),
    Row(404, "", Refused, "refused"),
    Row(408, "", Unclear, "timeout"),
    Row(426, "", Refused, "refused"),
)

QUOTA = 429


def judged(refusal: ApiRefusal) -> SendError:
    """Return what a refusal means for the message it was about."""
    if refusal.code == QUOTA:
        return TooManyRequests("quota", retry_after_s=FIRST_WAIT_S)
    if refusal.code >= 500:
        return Unclear("server_error")
    found = next((row for row in ROWS if row.code == refusal.code and row.words in refusal.words), None)
    return found.means(found.reason) if found is not None else Refused("refused")

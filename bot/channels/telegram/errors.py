"""What each answer of the platform means for a message: a table, one row a case.

The library sorts answers by their HTTP status; the rest is told by words of the description, since there is no code
finer than the status. Words as read in the source of the open server (10.0) and in its users' reports.
"""

from __future__ import annotations

from dataclasses import dataclass

from telegram.error import BadRequest, ChatMigrated, Conflict, Forbidden, InvalidToken, NetworkError, TelegramError

from bot.channels.base import (
    ChannelDown,
    ContentError,
    Moved,
    NotSent,
    Refused,
    SendError,
    TooManyRequests,
    Unclear,
    Unreachable,
)
from bot.channels.telegram.transport import AnswerLost, Flood, NothingSent, TooLarge

FLOOD_S = 30.0
"""The wait where the platform says "too many" and not how long."""


class Unchanged(Refused):
    """The message says already what the edit would have said."""


class Gone(Refused):
    """The message to be changed or taken away is not there, or may not be touched any more."""


class FileForgotten(Refused):
    """The platform does not know the file by the name it gave it; it must be uploaded again."""


@dataclass(frozen=True, slots=True)
class Row:
    """An answer (HTTP `status` and, in lower case, `words` of its description) and what it means for a message.

    `reason` is the word kept with the delivery; officers read `broadcast.reason.<reason>`.
    """

    status: int
    words: str
    means: type[Refused] | type[ChannelDown] | type[NotSent] | type[Unclear]
    reason: str


ROWS = (
    Row(400, "too many requests", Unclear, "in_part"),  # inside an album: some of it has arrived
    Row(400, "message is not modified", Unchanged, "unchanged"),
    Row(400, "message to edit not found", Gone, "gone"),
    Row(400, "message can't be edited", Gone, "gone"),
    Row(400, "no text in the message to edit", Gone, "gone"),
    Row(400, "message to delete not found", Gone, "gone"),
    Row(400, "message can't be deleted", Gone, "gone"),
    Row(400, "message_id_invalid", Gone, "gone"),
    Row(400, "message identifier is not specified", Gone, "gone"),
    Row(400, "message to be replied not found", Gone, "gone"),
    Row(400, "wrong file identifier", FileForgotten, "file_forgotten"),
    Row(400, "wrong remote file", FileForgotten, "file_forgotten"),
    Row(400, "file_reference", FileForgotten, "file_forgotten"),
    Row(400, "invalid file_id", FileForgotten, "file_forgotten"),
    Row(400, "chat not found", Unreachable, "no_such_chat"),
    Row(400, "peer_id_invalid", Unreachable, "no_such_chat"),
    Row(400, "user not found", Unreachable, "no_such_chat"),
    Row(400, "chat_id is empty", Unreachable, "no_such_chat"),
    Row(400, "group chat was deactivated", Unreachable, "no_such_chat"),
    Row(400, "user_is_blocked", Unreachable, "blocked"),
    Row(400, "input_user_deactivated", Unreachable, "deactivated"),
    Row(400, "not enough rights", Unreachable, "no_rights"),
    Row(400, "have no rights", Unreachable, "no_rights"),
    Row(400, "need administrator rights", Unreachable, "no_rights"),
    Row(400, "chat_write_forbidden", Unreachable, "no_rights"),
    Row(400, "can't parse", ContentError, "content"),
    Row(400, "text is empty", ContentError, "content"),
    Row(400, "text must be non-empty", ContentError, "content"),
    Row(400, "must be encoded in utf-8", ContentError, "content"),
    Row(400, "button_", ContentError, "content"),
    Row(400, "reply_markup_invalid", ContentError, "content"),
    Row(400, "reply markup is too long", ContentError, "too_long"),
    Row(400, "is too long", ContentError, "too_long"),
    Row(400, "message_too_long", ContentError, "too_long"),
    Row(400, "photo_invalid", ContentError, "picture"),
    Row(400, "image_process_failed", ContentError, "picture"),
    Row(400, "wrong type of the web page content", ContentError, "picture"),
    Row(400, "file must be non-empty", ContentError, "picture"),
    Row(400, "too big for a photo", ContentError, "picture"),
    Row(400, "", Refused, "refused"),
    Row(401, "", ChannelDown, "token_refused"),
    Row(403, "bot was blocked by the user", Unreachable, "blocked"),
    Row(403, "user is deactivated", Unreachable, "deactivated"),
    Row(403, "can't initiate conversation", Unreachable, "never_started"),
    Row(403, "bot was kicked", Unreachable, "kicked"),
    Row(403, "not a member", Unreachable, "kicked"),
    Row(403, "can't send messages to bots", Unreachable, "no_such_chat"),
    Row(403, "", Unreachable, "no_rights"),
    Row(404, "", ChannelDown, "token_refused"),
    Row(409, "", NotSent, "conflict"),
    Row(413, "too large", ContentError, "picture"),
)

_BY_STATUS: dict[int, type[TelegramError]] = {
    400: BadRequest,
    401: InvalidToken,
    403: Forbidden,
    404: InvalidToken,
    409: Conflict,
    413: NetworkError,
}


def judged(error: TelegramError) -> SendError:
    """Return what an error of the library or of our transport means for the message it was about."""
    words = error.message.lower()
    match error:
        case NothingSent():
            return NotSent(error.message)
        case AnswerLost():
            return Unclear(error.message)
        case Flood():
            return TooManyRequests("flood", retry_after_s=error.retry_after_s)
        case ChatMigrated():
            return Moved("moved", external_id=str(error.new_chat_id))
        case TooLarge():
            return Refused("too_large")
    found = next((row for row in ROWS if type(error) is _BY_STATUS[row.status] and row.words in words), None)
    if found is not None:
        return found.means(found.reason)
    if "too many requests" in words:
        return TooManyRequests("flood", retry_after_s=FLOOD_S)
    return Refused("refused")

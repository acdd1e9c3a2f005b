"""Refusals as Telegram words them (texts of telegram-bot-api 10.0, `Client.cpp`, read in November 2026)."""

from __future__ import annotations

from typing import Any

from tests.fakes.server import RefusalError


class ApiError(RefusalError):
    """A call is refused: HTTP status, description and parameters as the caller sees them."""

    def __init__(self, code: int, description: str, **parameters: Any) -> None:
        super().__init__(code, description)
        self.parameters = parameters

    def body(self) -> dict[str, Any]:
        """Return the answer's body."""
        body = {"ok": False, "error_code": self.code, "description": self.description}
        return {**body, "parameters": self.parameters} if self.parameters else body


def bad_request(text: str, **parameters: Any) -> ApiError:
    return ApiError(400, f"Bad Request: {text}", **parameters)


def forbidden(text: str) -> ApiError:
    return ApiError(403, f"Forbidden: {text}")


def too_many_requests(retry_after_s: int) -> ApiError:
    return ApiError(429, f"Too Many Requests: retry after {retry_after_s}", retry_after=retry_after_s)


def migrated(chat_id: int) -> ApiError:
    return bad_request("group chat was upgraded to a supergroup chat", migrate_to_chat_id=chat_id)


POLLED_TWICE = "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"
WEBHOOK_COMES = "Conflict: terminated by setWebhook request"
WEBHOOK_SET = (
    "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"
)
NOT_MODIFIED = (
    "message is not modified: specified new message content and reply markup are exactly the same as a current "
    "content and reply markup of the message"
)
STALE_QUERY = "query is too old and response timeout expired or query ID is invalid"
WRONG_FILE = "wrong file identifier/HTTP URL specified"

NAMED: dict[str, tuple[int, str]] = {
    "blocked": (403, "Forbidden: bot was blocked by the user"),
    "deactivated": (403, "Forbidden: user is deactivated"),
    "cannot_initiate": (403, "Forbidden: bot can't initiate conversation with a user"),
    "kicked": (403, "Forbidden: bot was kicked from the group chat"),
    "kicked_supergroup": (403, "Forbidden: bot was kicked from the supergroup chat"),
    "not_member": (403, "Forbidden: bot is not a member of the group chat"),
    "group_deleted": (403, "Forbidden: the group chat was deleted"),
    "chat_not_found": (400, "Bad Request: chat not found"),
    "peer_id_invalid": (400, "Bad Request: PEER_ID_INVALID"),
    "cannot_parse": (400, "Bad Request: can't parse entities: Can't find end of the entity starting at byte offset 0"),
    "too_long": (400, "Bad Request: message is too long"),
    "empty": (400, "Bad Request: message text is empty"),
    "not_modified": (400, f"Bad Request: {NOT_MODIFIED}"),
    "edit_not_found": (400, "Bad Request: message to edit not found"),
    "delete_not_found": (400, "Bad Request: message to delete not found"),
    "cannot_edit": (400, "Bad Request: message can't be edited"),
    "stale_query": (400, f"Bad Request: {STALE_QUERY}"),
    "wrong_file": (400, f"Bad Request: {WRONG_FILE}"),
    "unauthorized": (401, "Unauthorized"),
    "not_found": (404, "Not Found"),
    "conflict": (409, POLLED_TWICE),
    "server_error": (500, "Internal Server Error: restart"),
    "bad_gateway": (502, "Bad Gateway"),
}
"""Refusals that a test may order by a short name."""


def named(name: str) -> ApiError:
    """Return the refusal of that short name; `KeyError` where there is none."""
    return ApiError(*NAMED[name])

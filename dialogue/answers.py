"""Read one typed answer into a JSON value, or say kindly what is wrong with it."""

from __future__ import annotations

from dialogue.messages import NOTHING, Inbound, Phrase, Say

MAX_ANSWER_CHARS = 2_000


class Invalid(ValueError):
    """The answer cannot be taken. `hint` is what the person reads."""

    def __init__(self, key: str, /, **values: Phrase) -> None:
        super().__init__(key)
        self.hint = Say(key, values or NOTHING)


def plain_text(inbound: Inbound) -> str:
    """Return what she typed, spaces trimmed; `Invalid` if there is none or over 2,000 characters."""
    text = inbound.text.strip()
    if not text:
        raise Invalid("answer.text_wanted")
    if len(text) > MAX_ANSWER_CHARS:
        raise Invalid("answer.too_long", limit=MAX_ANSWER_CHARS)
    return text


def photos(inbound: Inbound) -> list[str]:
    """Return the SHA-256 names of the photos she sent, at least one."""
    if not inbound.attachments:
        raise Invalid("answer.photo_wanted")
    return [attachment.sha256 for attachment in inbound.attachments]

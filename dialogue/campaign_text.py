"""What a campaign says to one person: her name where the text asks for it, how to stop, or that it is urgent.

The officer writes `{tên}` where the name shall stand; the mark is read without regard to accents and case.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from dialogue.fit import length
from dialogue.messages import Capabilities
from dialogue.text import Wording
from vietnamese.fold import fold
from vietnamese.names import MAX_NAME_CHARS

ALERT = "alert"
"""The sort of a campaign that tells of danger to life."""

_MARK = re.compile(r"\{([^{}\n]*)\}")
_NAMES = frozenset({"ten", "name"})
_BEGINNING = re.compile(r"(?:^|[.!?:\n])\s*$")


def has_name(text: str) -> bool:
    """Tell whether the reader's name is to stand in a text."""
    return any(_is_name(mark) for mark in _MARK.findall(text))


def unknown_marks(text: str) -> list[str]:
    """Return what stands in braces and means nothing here, as it was written."""
    return [found[0] for found in _MARK.finditer(text) if not _is_name(found[1])]


def _is_name(mark: str) -> bool:
    return fold(mark).strip() in _NAMES


def personal_text(text: str, name: str | None, nobody: str) -> str:
    """Return a text with the reader's name in it; without one `nobody` stands there, in capitals where a sentence
    begins."""

    def filled(found: re.Match[str]) -> str:
        if not _is_name(found[1]):
            return found[0]
        if name:
            return name
        begins = _BEGINNING.search(text[: found.start()]) is not None
        return nobody[:1].upper() + nobody[1:] if begins else nobody

    return _MARK.sub(filled, text)


def campaign_text(
    texts: Mapping[str, str],
    language: str,
    wording: Wording,
    *,
    name: str | None = None,
    urgent: str | None = None,
    is_repeat: bool = False,
) -> str:
    """Return the whole message for one reader: the text in her language, or in its first one, with her `name`.

    It ends with how to stop such messages; an urgent one, `urgent` being the code of its campaign, begins with that
    instead, for it comes even to those who stopped. `is_repeat` says that she may have it already.
    """
    own = language if language in texts else next(iter(texts))
    text = personal_text(texts[own], name, wording.sentence("broadcast.no_name", own))
    if urgent is None:
        return f"{text}\n\n{wording.sentence('broadcast.opt_out', language)}"
    key = "broadcast.urgent_again" if is_repeat else "broadcast.urgent"
    head = wording.sentence(key, language).replace("{code}", urgent)
    return f"{head}\n\n{text}"


def overrun(text: str, capabilities: Capabilities, *, has_photo: bool) -> int:
    """Return by how much a whole message is too long for one message of a channel, in its own counting unit; 0 if it
    fits."""
    limit = capabilities.text_limit
    if has_photo and capabilities.caption_limit is not None:
        limit = min(limit, capabilities.caption_limit)
    return max(0, length(text, capabilities.text_unit) - limit)


def longest_fitting(over: Callable[[str], int]) -> int:
    """Return how many characters a name may have so that `over(name)` stays 0; 0 too if nothing fits."""
    return max((chars for chars in range(MAX_NAME_CHARS + 1) if not over("m" * chars)), default=0)


def longest_overrun(
    texts: Mapping[str, str],
    wording: Wording,
    channels: Sequence[Capabilities],
    *,
    name: str,
    has_photo: bool,
    urgent: str | None = None,
) -> int:
    """Return by how much a campaign is too long in the worst case: any language, any channel, the longest `name`."""
    if not channels:
        return 0
    messages = [
        campaign_text(texts, language, wording, name=name, urgent=urgent, is_repeat=is_repeat)
        for language in wording.languages
        for is_repeat in ((False, True) if urgent is not None else (False,))
    ]
    return max(overrun(each, channel, has_photo=has_photo) for channel in channels for each in messages)

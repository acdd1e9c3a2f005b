"""Show which words of her message each figure came from."""

from __future__ import annotations

from collections.abc import Sequence

from dialogue.messages import Marked, Phrase, Say
from handlers.context import Context
from handlers.figures_text import Record, Words, line_of

MOST_QUOTED_CHARS = 300
MOST_BEHIND_CHARS = 60
MOST_LINES_WITH_WORDS = 6
"""More lines, each with words behind it, are a wall of text on a small screen."""


def figure_lines(context: Context, records: Sequence[Record]) -> list[Phrase]:
    """Return the figures line by line, with her message above them, what was read in it marked.

    Where marks cannot be shown or the message is long, the words stand behind each figure; nothing where that would
    be too long as well.
    """
    words = Words(context.content, context.language)
    lines = [line_of(record, words) for record in records]
    text = said_text(context)
    if text is None or not any(words_behind(text, record) for record in records):
        return [*lines]
    if context.capabilities.marks and len(text) <= MOST_QUOTED_CHARS:
        return [Say("report.quoted", {"text": _marked(text, records)}), *lines]
    if len(records) > MOST_LINES_WITH_WORDS:
        return [*lines]
    return [_with_words(line, words_behind(text, record)) for line, record in zip(lines, records, strict=True)]


def words_behind(text: str | None, record: Record) -> str | None:
    """Return the words of the message that a record was read from; None where it came from elsewhere."""
    span = _span(text or "", record)
    return " ".join((text or "")[span[0] : span[1]].split()) if span else None


def said_text(context: Context) -> str | None:
    """Return the message that the report was opened with; None where a button opened it."""
    text = context.start.get("text")
    return text if isinstance(text, str) else None


def _marked(text: str, records: Sequence[Record]) -> Marked:
    """Return the message on one line; a blank takes the place of a line break, so that every letter keeps its own."""
    spans = sorted(span for record in records if (span := _span(text, record)))
    joined: list[tuple[int, int]] = []
    for start, end in spans:
        if joined and start < joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return Marked("".join(" " if letter.isspace() else letter for letter in text), tuple(joined))


def _span(text: str, record: Record) -> tuple[int, int] | None:
    span = record.get("span")
    if not isinstance(span, list | tuple) or len(span) != 2:
        return None
    start, end = span
    return (start, end) if 0 <= start < end <= len(text) else None


def _with_words(line: Phrase, said: str | None) -> Phrase:
    if said is None or len(said) > MOST_BEHIND_CHARS:
        return line
    return Say("report.line_said", {"line": line, "said": said})

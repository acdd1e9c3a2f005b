"""Why a report was returned: one of a few ready reasons, kept as its key, or the officer's own words."""

from __future__ import annotations

from dialogue.messages import Phrase, Say

MARK = "@"
REASONS = ("wrong_figure", "wrong_date", "no_photo", "unclear", "twice")


def reason_of(stored: str | None) -> Phrase:
    """Return a stored reason in the reader's language, or as it was written."""
    if stored and stored.startswith(MARK) and stored[1:] in REASONS:
        return Say(f"review.reason.{stored[1:]}")
    return stored or ""

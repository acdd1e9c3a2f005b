"""A message as the platform takes it: plain text, in which words may be underlined."""

from __future__ import annotations

from typing import Any

from dialogue.fit import length
from dialogue.messages import Rendered

UNDERLINED = "u"


def styled(rendered: Rendered) -> dict[str, Any]:
    """Return the marks of a text as a parameter, counted in UTF-16 units; nothing where there are none."""
    text = rendered.text
    styles = [
        {"start": length(text[:start], "utf16"), "len": length(text[start:end], "utf16"), "st": [UNDERLINED]}
        for start, end in rendered.marks
    ]
    return {"text_styles": styles} if styles else {}

"""Turn a rendered reply into what a channel can show, and read an answer back."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from dialogue.messages import Button, Capabilities, Inbound, Rendered
from vietnamese.fold import fold

SHORTEST_PART = 3


def pick(inbound: Inbound, shown: Sequence[Button], *, by_number: bool = True) -> Button | None:
    """Return the button she means: by pressing it, by its label without regard to accents, or by its number.

    Buttons for moving about (`is_move`) have no number. `by_number` is off where a number is an answer of its own.
    """
    if inbound.pressed is not None:
        return next((button for button in shown if button.value == inbound.pressed.value), None)
    typed = fold(inbound.text).strip().rstrip(".)")
    if typed.isdecimal() and len(typed) <= 3:
        numbered_ones = [button for button in shown if not is_move(button)] if by_number else []
        return numbered_ones[int(typed) - 1] if 0 < int(typed) <= len(numbered_ones) else None
    return next((button for button in shown if typed and fold(button.label).strip() == typed), None)


def pick_by_words(inbound: Inbound, shown: Sequence[Button], *, anywhere: bool = True) -> Button | None:
    """Return the one answer whose label begins with the words she typed ("trồng cây" for "Trồng cây, môi trường"),
    else, `anywhere`, the one that has them in it; None where several do or less than three letters were typed."""
    typed = fold(inbound.text).strip().rstrip(".,!")
    if len(typed) < SHORTEST_PART:
        return None
    words = re.compile(rf"\b{re.escape(typed)}\b")
    answers = [(button, fold(button.label).strip()) for button in shown if not is_move(button)]
    begins = [button for button, label in answers if words.match(label)]
    meant = begins or [button for button, label in answers if anywhere and words.search(label)]
    return meant[0] if len(meant) == 1 else None


def is_move(button: Button) -> bool:
    """Tell whether a button moves about in the talk (back, cancel, skip) rather than answers it."""
    return isinstance(button.value, Mapping) and "go" in button.value


def is_opening(button: Button) -> bool:
    """Tell whether a button opens another talk (`dialogue.messages.opening`)."""
    return isinstance(button.value, Mapping) and "open" in button.value


def fit(rendered: Rendered, capabilities: Capabilities) -> list[Rendered]:
    """Return the messages a channel can show, in order; the last one carries the buttons, and the picture too.

    Without buttons the choices become a numbered list under the text. A picture whose text is too long to stand beside
    it goes first, by itself.
    """
    text = rendered.text
    plain = not rendered.buttons and rendered.picture is None and (capabilities.marks or not rendered.marks)
    if plain and _is_short(text, capabilities):
        return [rendered]
    if rendered.buttons and not capabilities.buttons:
        text = f"{text}\n{numbered(rendered.buttons)}"
    parts = cut(text, capabilities)
    marks = _marks_of(parts, text, rendered.marks) if rendered.marks and capabilities.marks else [()] * len(parts)
    limit = capabilities.caption_limit
    apart = rendered.picture is not None and limit is not None and length(parts[-1], capabilities.text_unit) > limit
    head = [Rendered("", picture=rendered.picture, sort=rendered.sort)] if apart else []
    head += [
        Rendered(part, sort=rendered.sort, marks=marked) for part, marked in zip(parts[:-1], marks[:-1], strict=True)
    ]
    buttons = rendered.buttons if capabilities.buttons else ()
    picture = None if apart else rendered.picture
    return [*head, Rendered(parts[-1], buttons, picture, rendered.sort, rendered.file, marks[-1])]


def _marks_of(parts: Sequence[str], text: str, marks: Sequence[tuple[int, int]]) -> list[tuple[tuple[int, int], ...]]:
    """Return the marks of a text as those of its parts; one that was cut goes on in the next."""
    found, at = [], 0
    for part in parts:
        first = text.index(part, at)
        at = first + len(part)
        within = ((max(start, first) - first, min(end, at) - first) for start, end in marks)
        found.append(tuple((start, end) for start, end in within if start < end))
    return found


def numbered(buttons: Sequence[Button]) -> str:
    """Return the choices as lines `1. Đồng ý`, and the words for moving about in one last line."""
    answers = [button.label for button in buttons if not is_move(button)]
    moves = [button.label for button in buttons if is_move(button)]
    lines = [f"{number}. {label}" for number, label in enumerate(answers, 1)]
    return "\n".join([*lines, " · ".join(moves)] if moves else lines)


def length(text: str, unit: str) -> int:
    """Return the length of `text` in the channel's counting unit: `characters` or `utf16`."""
    return len(text.encode("utf-16-le")) // 2 if unit == "utf16" else len(text)


def _is_short(text: str, capabilities: Capabilities) -> bool:
    return 2 * len(text) <= capabilities.text_limit  # in any unit


def cut(text: str, capabilities: Capabilities) -> list[str]:
    """Cut `text` into parts within the limit, at a paragraph, a sentence or a word where there is one."""
    if _is_short(text, capabilities):
        return [text]
    parts: list[str] = []
    rest = text
    while length(rest, capabilities.text_unit) > capabilities.text_limit:
        end = _cut_point(rest, capabilities)
        parts.append(rest[:end].rstrip())
        rest = rest[end:].lstrip()
    return [*parts, rest]


def _cut_point(text: str, capabilities: Capabilities) -> int:
    most = _longest_prefix(text, capabilities)
    for mark in ("\n\n", "\n", ". ", " "):
        at = text.rfind(mark, most // 2, most)
        if at > 0:
            return at + len(mark)
    return most


def _longest_prefix(text: str, capabilities: Capabilities) -> int:
    if capabilities.text_unit == "characters":
        return capabilities.text_limit
    units = 0
    for index, character in enumerate(text):
        units += 2 if ord(character) > 0xFFFF else 1
        if units > capabilities.text_limit:
            return index
    return len(text)

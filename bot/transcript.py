"""Dialogues as staff can read them: `>` what a person writes, `<` what she reads, `@` who and when.

    @ truong-lang-boi 2026-11-23 19:30
    > hôm qua trồng 150 cây xanh
    < Trợ lý Hội đọc được:
    | – 150 cây xanh
    < [Gửi] [Sửa số] [Hủy]
    > [Gửi]

`|` goes on with the message above. A line in square brackets after `>` is a button pressed; `[ảnh]` is a photo.
Codes are made at random, so they are written `{BC}` (by their letters) and mean the last one seen.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

VIETNAM = ZoneInfo("Asia/Ho_Chi_Minh")
PHOTO = "[ảnh]"
_CODE = re.compile(r"\b(BC|DK|TT|GD|GH|HT|TN)-[2-9A-HJ-NP-Z]{4,8}\b")
_BUTTONS = re.compile(r"\[([^\]]+)\]")


@dataclass(frozen=True, slots=True)
class Said:
    """One message of a person: a text, a pressed button by its label, perhaps with a photo."""

    text: str
    button: str | None = None
    photo: bool = False


@dataclass(frozen=True, slots=True)
class Heard:
    """One message a person reads: its text and the labels of its buttons."""

    text: str
    buttons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Scene:
    """A change of person, of time, or of both."""

    persona: str
    at: datetime


Line = Said | Heard | Scene


def parse(text: str) -> list[Line]:
    """Return the lines of a transcript; `ValueError` names a line that is none."""
    lines: list[Line] = []
    for number, raw in enumerate(text.splitlines(), 1):
        mark, rest = raw[:2].strip(), raw[2:].strip()
        if not raw.strip() or mark == "#":
            continue
        if mark == "@":
            lines.append(_scene(rest))
        elif mark == ">":
            lines.append(_said(rest))
        elif mark == "<":
            _add_heard(lines, rest)
        elif mark == "|" and lines and not isinstance(lines[-1], Scene):
            lines[-1] = replace(lines[-1], text=f"{lines[-1].text}\n{rest}")
        else:
            raise ValueError(f"line {number} is no part of a transcript: {raw}")
    return lines


def _scene(rest: str) -> Scene:
    persona, day, hour = rest.split()
    return Scene(persona, datetime.fromisoformat(f"{day}T{hour}").replace(tzinfo=VIETNAM))


def _said(rest: str) -> Said:
    photo = rest.startswith(PHOTO)
    text = rest.removeprefix(PHOTO).strip()
    button = text[1:-1] if text.startswith("[") and text.endswith("]") else None
    return Said("" if button else text, button, photo)


def _add_heard(lines: list[Line], rest: str) -> None:
    """Buttons belong to the message above them; every other line is a message of its own."""
    is_buttons = rest.startswith("[") and rest.endswith("]")
    if is_buttons and lines and isinstance(last := lines[-1], Heard) and not last.buttons:
        lines[-1] = Heard(last.text, tuple(_BUTTONS.findall(rest)))
    else:
        lines.append(Heard(rest))


def write(lines: Iterable[Line]) -> str:
    """Return the transcript of `lines`; `parse` reads it back."""
    return "".join(f"{line}\n" for each in lines for line in _written(each))


def _written(line: Line) -> Sequence[str]:
    match line:
        case Scene(persona, at):
            return ["", f"@ {persona} {at.astimezone(VIETNAM):%Y-%m-%d %H:%M}"]
        case Said(text, button, photo):
            words = f"[{button}]" if button else text
            return _marked(">", " ".join(filter(None, (PHOTO if photo else "", words))))
        case Heard(text, buttons):
            labels = " ".join(f"[{label}]" for label in buttons)
            return [*_marked("<", text), *([f"< {labels}"] if labels else [])]


def _marked(mark: str, text: str) -> list[str]:
    first, *more = text.split("\n")
    return [f"{mark} {first}".rstrip(), *(f"| {line}".rstrip() for line in more)]


def hide_codes(text: str, seen: dict[str, str]) -> str:
    """Return `text` with codes as `{BC}`, remembering in `seen` the last one of each kind."""

    def hidden(found: re.Match[str]) -> str:
        seen[found[1]] = found[0]
        return "{" + found[1] + "}"

    return _CODE.sub(hidden, text)


def show_codes(text: str, seen: Mapping[str, str]) -> str:
    """Return `text` with `{BC}` as the last code seen of that kind."""
    for prefix, code in seen.items():
        text = text.replace("{" + prefix + "}", code)
    return text

"""Dialogues as staff can read them: `>` what a person writes, `<` what she reads, `@` who and when.

    @ truong-lang-boi 2026-11-23 19:30
    > hôm qua trồng 150 cây xanh
    < Trợ lý Hội đọc được:
    | – 150 cây xanh
    < [Gửi] [Sửa số] [Hủy]
    > [Gửi]

`|` goes on with the message above. A line in square brackets after `>` is a button pressed; `[ảnh]` is a photo,
several of them are sent as one album, `[giọng nói]`, `[video]` and the like are what we cannot read; `[sửa]` edits
her last text. Codes are made at random, so they are written `{BC}` (by their letters) and mean the last one seen; a
one-time link is `{MA}`, which stands for its code where she types it.

What reads differently on a channel whose servers stand abroad follows under `<~`. A scene that ends in `trên web` is
played at home in any case: what it shows is never shown abroad.

`< [ảnh]` says that a picture comes with the text, and `<+ [ảnh]` tells of one that comes as a message of its own, under
which the buttons stand then; a channel without pictures shows neither. A button in round brackets, `([Lấy đường dẫn])`,
is there only where some channel has links that open it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

VIETNAM = ZoneInfo("Asia/Ho_Chi_Minh")
PHOTO = "[ảnh]"
EDIT = "[sửa]"
AT_HOME = "trên web"
UNREADABLE: Mapping[str, str] = {
    "[giọng nói]": "voice",
    "[video]": "video",
    "[tệp]": "document",
    "[nhãn dán]": "sticker",
    "[vị trí]": "location",
    "[danh thiếp]": "contact",
    "[ảnh quá lớn]": "large_photo",
}
"""How what cannot be read is written, and its name (`dialogue.messages.UNREAD`)."""

_LINK = re.compile(r"https?://\S+#ma=([2-9A-HJ-NP-Z-]{19})")
_CODE = re.compile(r"\b(BC|DK|TT|GD|GH|HT|TN)-[2-9A-HJ-NP-Z]{4,8}\b")
_BUTTONS = re.compile(r"(\(?)\[([^\]]+)\]\)?")


@dataclass(frozen=True, slots=True)
class Said:
    """One message of a person: a text, a pressed button by its label, perhaps with photos or what cannot be read.

    With `edits` it puts her last text right.
    """

    text: str
    button: str | None = None
    photos: int = 0
    unread: str | None = None
    edits: bool = False


@dataclass(frozen=True, slots=True)
class Heard:
    """One message a person reads: its text and the labels of its buttons; `abroad` is what she reads there instead.

    `linked` are those of its buttons that need a channel with links. `picture`: one comes with it; `drawn` are the
    words under a picture that follows, which has the buttons then.
    """

    text: str
    buttons: tuple[str, ...] = ()
    abroad: Heard | None = None
    picture: bool = False
    drawn: str | None = None
    linked: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Scene:
    """A change of person, of time, or of both; with `at_home` on the web chat wherever the rest is played."""

    persona: str
    at: datetime
    at_home: bool = False


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
        elif mark == "<~" and lines and isinstance(last := lines[-1], Heard):
            lines[-1] = replace(last, abroad=_with(last.abroad, rest))
        elif mark == "<+" and lines and isinstance(last := lines[-1], Heard) and rest.startswith(PHOTO):
            lines[-1] = replace(last, drawn=rest.removeprefix(PHOTO).strip())
        elif mark == "|" and lines and not isinstance(last := lines[-1], Scene):
            lines[-1] = _longer(last, rest)
        else:
            raise ValueError(f"line {number} is no part of a transcript: {raw}")
    return lines


def _scene(rest: str) -> Scene:
    at_home = rest.endswith(AT_HOME)
    persona, day, hour = rest.removesuffix(AT_HOME).split()
    return Scene(persona, datetime.fromisoformat(f"{day}T{hour}").replace(tzinfo=VIETNAM), at_home)


def _said(rest: str) -> Said:
    said = Said(rest)
    while (shorter := _unmarked(said)) is not None:
        said = shorter
    text = said.text
    button = text[1:-1] if text.startswith("[") and text.endswith("]") else None
    return replace(said, text="" if button else text, button=button)


def _unmarked(said: Said) -> Said | None:
    """Take one mark from the beginning of a line; None if there is none."""
    text = said.text
    if text.startswith(PHOTO):
        return replace(said, text=text.removeprefix(PHOTO).strip(), photos=said.photos + 1)
    if text.startswith(EDIT) and text != EDIT:
        return replace(said, text=text.removeprefix(EDIT).strip(), edits=True)
    mark = next((mark for mark in UNREADABLE if text.startswith(mark)), None)
    return None if mark is None else replace(said, text=text.removeprefix(mark).strip(), unread=UNREADABLE[mark])


def _longer(line: Said | Heard, rest: str) -> Said | Heard:
    if isinstance(line, Heard) and line.drawn is not None:
        return replace(line, drawn=f"{line.drawn}\n{rest}")
    if isinstance(line, Heard) and line.abroad is not None:
        return replace(line, abroad=replace(line.abroad, text=f"{line.abroad.text}\n{rest}"))
    return replace(line, text=f"{line.text}\n{rest}")


def _add_heard(lines: list[Line], rest: str) -> None:
    """Buttons belong to the message above them; every other line is a message of its own."""
    if _is_buttons(rest) and lines and isinstance(last := lines[-1], Heard) and not last.buttons:
        lines[-1] = _with(last, rest)
    else:
        lines.append(_heard(rest))


def _heard(rest: str) -> Heard:
    return Heard(rest.removeprefix(PHOTO).strip(), picture=rest.startswith(PHOTO))


def _is_buttons(rest: str) -> bool:
    return rest.startswith(("[", "([")) and rest.endswith(("]", "])"))


def _with(heard: Heard | None, rest: str) -> Heard:
    """A message with one more line of it: its first, or its buttons."""
    if heard is None:
        return _heard(rest)
    found = _BUTTONS.findall(rest)
    linked = frozenset(label for bracket, label in found if bracket)
    return replace(heard, buttons=tuple(label for _, label in found), linked=linked)


def write(lines: Iterable[Line]) -> str:
    """Return the transcript of `lines`; `parse` reads it back."""
    return "".join(f"{line}\n" for each in lines for line in _written(each))


def _written(line: Line) -> Sequence[str]:
    match line:
        case Scene(persona, at, at_home):
            where = f" {AT_HOME}" if at_home else ""
            return ["", f"@ {persona} {at.astimezone(VIETNAM):%Y-%m-%d %H:%M}{where}"]
        case Said():
            return _marked(">", _spoken(line))
        case Heard():
            other = _read("<~", line.abroad) if line.abroad is not None else ()
            drawn = _marked("<+", f"{PHOTO} {line.drawn}") if line.drawn is not None else ()
            return [*_read("<", line), *other, *drawn]


def _spoken(line: Said) -> str:
    marks = [mark for mark, name in UNREADABLE.items() if name == line.unread]
    words = f"[{line.button}]" if line.button else line.text
    return " ".join(filter(None, (EDIT if line.edits else "", *[PHOTO] * line.photos, *marks, words)))


def _read(mark: str, heard: Heard) -> list[str]:
    labels = " ".join(f"([{label}])" if label in heard.linked else f"[{label}]" for label in heard.buttons)
    text = f"{PHOTO} {heard.text}" if heard.picture else heard.text
    return [*_marked(mark, text), *([f"{mark} {labels}"] if labels else [])]


def _marked(mark: str, text: str) -> list[str]:
    first, *more = text.split("\n")
    return [f"{mark} {first}".rstrip(), *(f"| {line}".rstrip() for line in more)]


def hide_codes(text: str, seen: dict[str, str]) -> str:
    """Return `text` with codes as `{BC}`, remembering in `seen` the last one of each kind."""

    def linked(found: re.Match[str]) -> str:
        seen["MA"] = found[1]
        return "{MA}"

    def hidden(found: re.Match[str]) -> str:
        seen[found[1]] = found[0]
        return "{" + found[1] + "}"

    return _CODE.sub(hidden, _LINK.sub(linked, text))


def show_codes(text: str, seen: Mapping[str, str]) -> str:
    """Return `text` with `{BC}` as the last code seen of that kind."""
    for prefix, code in seen.items():
        text = text.replace("{" + prefix + "}", code)
    return text

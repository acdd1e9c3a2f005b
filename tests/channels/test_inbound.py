"""Updates as the platform writes them, and what each means; then anything at all, which must break nothing."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.channels.telegram.inbound import Me, read
from bot.channels.updates import Handed, NotAnUpdate, Renamed, Taken, Unreadable
from dialogue.messages import EVENTS, UNREAD

PAYLOADS = Path(__file__).resolve().parents[1] / "payloads" / "telegram"
FILES = sorted(PAYLOADS.glob("*.json"))
ME = Me("700", "LanToaBot")
BODY_KEYS = {"text", "pressed", "attachments", "files", "unread", "edits", "event", "album"}


def said(taken: Taken) -> dict[str, Any]:
    """Return what was read in the form of the payload files."""
    answer = {"callback_id": taken.callback_id} if taken.callback_id else {}
    match taken.what:
        case Handed(external_id, key, body, sent_at):
            at = sent_at.isoformat() if sent_at else None
            return {"external_id": external_id, "key": key, "body": dict(body), "sent_at": at, **answer}
        case Renamed(old, new):
            return {"renamed": [old, new], **answer}
        case Unreadable(external_id, _key, _raw):
            return {"unreadable": external_id, **answer}
        case None:
            return answer


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_an_update_means_what_its_file_says(file: Path) -> None:
    written = json.loads(file.read_text("utf-8"))
    found, means = said(read(written["update"], ME)), written["means"]
    if means.get("key", "").endswith(":"):
        # An edit's key ends in a digest of what it says.
        assert found["key"].startswith(means["key"])
        assert len(found["key"]) - len(means["key"]) == 12
        found["key"] = means["key"]
    assert found == means


def test_two_edits_within_a_second_are_two() -> None:
    update = json.loads((PAYLOADS / "edited_text.json").read_text("utf-8"))["update"]
    one = read(update, ME).what
    update["edited_message"]["text"] = "hôm qua trồng 15 cây"
    other = read(update, ME).what
    assert isinstance(one, Handed)
    assert isinstance(other, Handed)
    assert one.key != other.key
    assert one.body["edits"] == other.body["edits"]


def test_where_she_is_is_kept_nowhere() -> None:
    for name in ("location", "venue"):
        update = json.loads((PAYLOADS / f"{name}.json").read_text("utf-8"))["update"]
        assert "108.01" not in str(read(update, ME))


def test_without_our_own_name_nobody_is_taken_to_mean_us_by_it() -> None:
    update = json.loads((PAYLOADS / "group_mention.json").read_text("utf-8"))["update"]
    assert read(update, Me("700")).what is None


@pytest.mark.parametrize("raw", [None, 7, "x", [], {}, {"update_id": "1"}, {"update_id": True}, {"update_id": 1.5}])
def test_without_an_envelope_it_is_no_update(raw: Any) -> None:
    with pytest.raises(NotAnUpdate):
        read(raw, ME)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)
PARTS = (
    *("message", "edited_message", "callback_query", "my_chat_member"),
    *("chat", "from", "id", "type", "text", "caption", "date", "edit_date", "photo", "document", "contact", "location"),
    *("voice", "sticker", "entities", "message_id", "data", "reply_to_message", "media_group_id", "update_id", "venue"),
    *("new_chat_member", "old_chat_member", "status", "file_id", "file_unique_id", "file_size", "width", "height"),
    *("phone_number", "user_id", "mime_type", "migrate_to_chat_id", "migrate_from_chat_id", "animation", "poll"),
)
LIKE_UPDATES = st.recursive(
    JSON | st.sampled_from(["private", "group", "kicked", "member", "/start", 1001, -500, 1763942400]),
    lambda inner: st.dictionaries(st.sampled_from(PARTS), inner, max_size=6) | st.lists(inner, max_size=3),
    max_leaves=30,
)


@settings(max_examples=400, deadline=None)
@given(st.integers(0, 2**40), LIKE_UPDATES, st.sampled_from(PARTS[:4]))
def test_whatever_comes_is_read_or_kept_or_passed_over(update_id: int, inside: Any, kind: str) -> None:
    assert_sound(read({"update_id": update_id, kind: inside}, ME))


@st.composite
def spoiled(draw: st.DrawFn) -> dict[str, Any]:
    """Return a good update in which one place holds something else."""
    update = json.loads(draw(st.sampled_from(FILES)).read_text("utf-8"))["update"]
    places = [place for place in _places(update) if place[-1] != "update_id"]
    *above, last = draw(st.sampled_from(places))
    holder = update
    for step in above:
        holder = holder[step]
    holder[last] = draw(JSON)
    found: dict[str, Any] = update
    return found


def _places(value: Any) -> list[tuple[Any, ...]]:
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place for key, inner in pairs for place in [(key,), *((key, *rest) for rest in _places(inner))]]


@settings(max_examples=400, deadline=None)
@given(spoiled())
def test_one_spoiled_place_loses_no_update(update: dict[str, Any]) -> None:
    assert_sound(read(update, ME))


def assert_sound(taken: Taken) -> None:
    """What is handed over can be stored and is in the words of the contract."""
    if isinstance(taken.what, Unreadable):
        assert json.loads(taken.what.raw)
        assert len(taken.what.key) <= 200
    if not isinstance(taken.what, Handed):
        return
    handed = taken.what
    assert handed.external_id.removeprefix("-").isdecimal()
    assert len(handed.external_id) <= 128
    assert len(handed.key) <= 200
    assert handed.sent_at is None or isinstance(handed.sent_at, datetime)
    body = handed.body
    assert set(body) <= BODY_KEYS
    assert all(isinstance(body[name], str) for name in ("text", "pressed", "edits", "album") if name in body)
    assert body.get("unread") in (None, *UNREAD)
    assert body.get("event") in (None, *EVENTS)
    json.dumps(dict(body))

"""Events as the platform writes them, and what each means; then anything at all, which must break nothing."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.channels.updates import Handed, NotAnUpdate, Unreadable
from bot.channels.zalo_bot.albums import NEAR, Albums
from bot.channels.zalo_bot.inbound import Me, read, read_again
from dialogue.messages import EVENTS, UNREAD
from tests.channels.conftest import ROOT
from tests.channels.test_inbound import said

FILES = sorted((ROOT / "tests" / "payloads" / "zalo_bot").glob("*.json"))
ME = Me("700", "1200345067800912345")
NOON = datetime(2026, 11, 23, 5, 0, tzinfo=UTC)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_an_event_means_what_its_file_says(file: Any) -> None:
    written = json.loads(file.read_text("utf-8"))
    assert said(read(written["update"], ME)) == written["means"]


@pytest.mark.parametrize("raw", [None, [], 7, "x", {}, {"ok": True}, {"result": []}, {"event_name": 5}])
def test_what_has_no_envelope_is_no_update(raw: Any) -> None:
    with pytest.raises(NotAnUpdate):
        read(raw, ME)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
fields = st.sampled_from(
    ["message_id", "date", "from", "chat", "text", "photo_url", "photo", "caption", "message_type", "id", "chat_type"]
)
names = st.sampled_from(["message.text.received", "message.image.received", "message.voice.received", "x", ""])
chats = st.fixed_dictionaries({"id": st.text(max_size=4) | st.just("a1"), "chat_type": anything})


@given(names, st.dictionaries(fields, anything | chats, max_size=8))
@settings(max_examples=300, deadline=None)
def test_whatever_comes_is_read_or_kept_and_breaks_nothing(name: str, message: dict[str, Any]) -> None:
    taken = read({"event_name": name, "message": message}, ME).what
    if isinstance(taken, Handed):
        assert set(taken.body) <= {"text", "attachments", "files", "unread", "event", "album"}
        assert taken.body.get("unread") in (None, *UNREAD)
        assert taken.body.get("event") in (None, *EVENTS)
    else:
        assert taken is None or isinstance(taken, Unreadable)


def test_an_event_that_could_not_be_read_is_read_by_a_later_version() -> None:
    raw = json.dumps(json.loads((FILES[0].parent / "text.json").read_text("utf-8"))["update"])
    understood = read_again(raw, "700", "")
    assert understood is not None
    assert understood[0] == {"text": "xin chào"}
    assert read_again(json.dumps({"event_name": "message.text.received"}), "700", "") is None


def test_pictures_that_follow_each_other_closely_are_one_album() -> None:
    albums = Albums()
    later, much_later = NOON + NEAR, NOON + 3 * NEAR
    assert albums.of("mai", "k1", NOON) == "k1"
    assert albums.of("lan", "k2", NOON) == "k2"
    assert albums.of("mai", "k3", later) == "k1"
    assert albums.of("mai", "k4", much_later) == "k4"
    assert albums.of("mai", "k5", None) is None


def test_no_more_chats_are_remembered_than_there_is_room_for() -> None:
    albums = Albums()
    for number in range(3000):
        albums.of(str(number), "k", NOON + timedelta(seconds=number))
    assert len(albums._last) == 1000

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialogue.campaign_text import campaign_text, has_name, longest_overrun, overrun, personal_text, unknown_marks
from dialogue.messages import Capabilities
from dialogue.text import Wording

WORDING = Wording(
    {
        "vi": {
            "broadcast.no_name": "anh/chị",
            "broadcast.opt_out": "Dừng thì nhắn: dừng",
            "broadcast.urgent": "TIN KHẨN {code}",
            "broadcast.urgent_again": "NHẮC LẠI {code}",
        },
        "en": {"broadcast.no_name": "friend", "broadcast.opt_out": "To stop: stop"},
    }
)
SMALL = Capabilities(buttons=True, pictures=True, text_limit=60, caption_limit=40, text_unit="utf16")


@pytest.mark.parametrize("mark", ["{tên}", "{Tên}", "{ten}", "{ TÊN }", "{name}"])
def test_the_name_stands_where_the_mark_was_however_it_is_written(mark: str) -> None:
    assert has_name(f"Mời {mark} đi họp")
    assert personal_text(f"Mời {mark} đi họp", "Rơ Châm H'Bia", "anh/chị") == "Mời Rơ Châm H'Bia đi họp"
    assert unknown_marks(f"Mời {mark} đi họp") == []


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Mời {tên} đi họp", "Mời anh/chị đi họp"),
        ("{tên} ơi, mai họp", "Anh/chị ơi, mai họp"),
        ("Mai họp. {tên} nhớ đi nhé", "Mai họp. Anh/chị nhớ đi nhé"),
        ("Kính mời:\n{tên}", "Kính mời:\nAnh/chị"),
    ],
)
def test_without_a_name_a_polite_word_stands_there(text: str, shown: str) -> None:
    assert personal_text(text, None, "anh/chị") == shown
    assert personal_text(text, "", "anh/chị") == shown


def test_other_marks_are_named_and_left_alone() -> None:
    assert unknown_marks("Chào {tên}, {chức vụ} {}") == ["{chức vụ}", "{}"]
    assert personal_text("{chức vụ} {", "Lan", "anh/chị") == "{chức vụ} {"


@given(st.text(alphabet="abc {}tên\n"), st.text())
def test_any_text_and_any_name_can_meet(text: str, name: str) -> None:
    assert personal_text(text, name, "anh/chị").count(name) >= (1 if has_name(text) else 0)


def test_a_name_that_looks_like_a_mark_stays_a_name() -> None:
    assert personal_text("Chào {tên}", "{tên}", "anh/chị") == "Chào {tên}"


def test_a_message_ends_with_the_way_to_stop_it_in_the_readers_language() -> None:
    assert campaign_text({"vi": "Mời họp"}, "vi", WORDING) == "Mời họp\n\nDừng thì nhắn: dừng"
    assert campaign_text({"vi": "Mời {tên}"}, "en", WORDING) == "Mời anh/chị\n\nTo stop: stop"
    assert campaign_text({"vi": "Mời {tên}", "en": "Come, {tên}"}, "en", WORDING).startswith("Come, friend")


def test_an_urgent_message_says_so_with_its_code_and_is_marked_when_it_is_repeated() -> None:
    first = campaign_text({"vi": "Nước lên"}, "vi", WORDING, urgent="TN-7K3M")
    again = campaign_text({"vi": "Nước lên"}, "vi", WORDING, urgent="TN-7K3M", is_repeat=True)
    assert (first, again) == ("TIN KHẨN TN-7K3M\n\nNước lên", "NHẮC LẠI TN-7K3M\n\nNước lên")


def test_length_counts_in_the_channels_own_unit_and_less_fits_beside_a_photo() -> None:
    assert overrun("😊" * 30, SMALL, has_photo=False) == 0
    assert overrun("😊" * 31, SMALL, has_photo=False) == 2
    assert overrun("a" * 45, SMALL, has_photo=True) == 5


def test_the_worst_of_all_languages_and_channels_counts() -> None:
    roomy = Capabilities(buttons=True, pictures=True, text_limit=4_000)
    texts = {"vi": "Mời {tên} đi họp"}

    def over(*channels: Capabilities, name: str = "Lan", urgent: str | None = None) -> int:
        return longest_overrun(texts, WORDING, channels, name=name, has_photo=False, urgent=urgent)

    assert over() == over(roomy) == over(roomy, SMALL) == 0
    assert over(roomy, SMALL, name="L" * 40) == len("Mời  đi họp\n\nDừng thì nhắn: dừng") + 40 - 60
    assert over(SMALL, name="L" * 40, urgent="TN-7K3M") == len("NHẮC LẠI TN-7K3M\n\nMời  đi họp") + 40 - 60

"""A call for help is heard in any wording; talk about prevention is not taken for one."""

from __future__ import annotations

from pathlib import Path

import pytest

from figures.emergency import DISASTER, VIOLENCE, is_emergency
from vietnamese.fold import fold

CALLS = {
    VIOLENCE: (
        "Chị ơi làng có vụ chồng đánh vợ, chị ấy đang ở nhà em, làm sao giờ",
        "chồng em đánh em",
        "bị chồng đuổi đánh đang trốn ở rẫy",
        "em bị đánh đập",
        "Chồng em uống rượu về đánh em chảy máu",
        "con gái em bị xâm hại",
        "bố đánh con dã man",
        "Nó đòi giết em",
        "cứu em với",
        "em muốn tự tử",
        "Hội viên bị chồng bạo hành",
        "Hôm qua sinh hoạt xong chị Lan bị chồng đánh",
    ),
    DISASTER: (
        "Nước lên tới nóc nhà rồi, cứu với",
        "nhà em bị nước cô lập, cần thuyền gấp",
        "Sạt lở vùi lấp nhà chị Bơm, khẩn cấp",
    ),
}
NO_CALLS = (
    "tuyên truyền PCBLGĐ",
    "tuyên truyền phòng chống bạo lực gia đình cho 40 chị",
    "tập huấn phòng chống bạo lực",
    "câu lạc bộ phòng chống bạo lực",
    "sinh hoạt chuyên đề phòng chống bạo hành trẻ em 40 chị dự",
    "phát hiện 2 vụ bạo lực gia đình",
    "đánh giá chi hội cuối năm",
    "danh sách hội viên danh dự",
    "giao lưu đánh cầu lông 20 chị",
    "cứu trợ đồng bào vùng lũ 5tr",
    "15 hộ bị ngập nước",
    "trao 3 thùng nước",
    "xoá 122/281 cơ sở dưới 60%",
    "chạy bộ vì sức khỏe 30 chị",
    "chồng chị Lan mới mất, thăm hỏi 500k",
    "",
)


@pytest.mark.parametrize(("topic", "text"), [(topic, text) for topic, texts in CALLS.items() for text in texts])
def test_a_call_for_help_is_heard_with_and_without_accents(topic: str, text: str) -> None:
    assert [is_emergency(text), is_emergency(fold(text)), is_emergency(text.upper())] == [topic] * 3


@pytest.mark.parametrize("text", NO_CALLS)
def test_talk_about_prevention_is_no_call(text: str) -> None:
    assert [is_emergency(text), is_emergency(fold(text))] == [None, None]


def told() -> list[tuple[str, str]]:
    """Return the lines of `calls.txt`: "!" marks a call for help as frightened people type it, "." what is none."""
    lines = Path(__file__).with_name("calls.txt").read_text("utf-8").splitlines()
    return [(line[:1], line[2:]) for line in lines]


@pytest.mark.parametrize(("sign", "text"), told())
def test_fear_is_told_from_prevention_aid_and_chat(sign: str, text: str) -> None:
    heard = [is_emergency(spelt) is not None for spelt in (text, fold(text), text.upper())]
    assert heard == [sign == "!"] * 3


def test_a_cry_beside_violence_gets_what_helps_against_violence() -> None:
    assert is_emergency("chi oi cuu voi thang chong no dang cam dao duoi vo chay qua nha e") == VIOLENCE
    assert is_emergency("cứu với, nước lên tới nóc nhà rồi") == DISASTER

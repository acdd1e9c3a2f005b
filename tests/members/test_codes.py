"""Codes are read however they are typed, never taken from ordinary talk, and unique."""

from __future__ import annotations

import math
import re

import pytest
from sqlalchemy.exc import IntegrityError

from storage import codes
from storage.schema import application
from tests.members.stage import NOON, Stage


@pytest.mark.parametrize("typed", ["BC-7K3M", "bc-7k3m", "bc 7k3m", "BC7K3M", " bc-7K3M "])
def test_a_short_code_is_read_however_it_is_typed(typed: str) -> None:
    assert codes.read_short_code(typed, "BC") == "BC-7K3M"


@pytest.mark.parametrize("typed", ["", "BC-7K3", "DK-7K3M", "BC-7K3MQQ", "BC-7K3O", "abc-7k3m", "bc-7k3m nhé"])
def test_what_is_no_short_code_is_left_alone(typed: str) -> None:
    assert codes.read_short_code(typed, "BC") is None


def test_no_code_holds_letters_that_look_alike() -> None:
    drawn = "".join(codes.short_code("", 5) + codes.invitation_code() for _ in range(300))
    assert not set("01OIL") & set(drawn)


def test_an_invitation_code_has_more_than_65_bits_and_reads_back() -> None:
    code = codes.invitation_code()
    assert re.fullmatch(r"(\w{4}-){3}\w{4}", code)
    assert 16 * math.log2(len(set(codes.ALPHABET))) > 65
    for typed in (code, code.lower(), code.replace("-", " "), code.replace("-", ""), f" {code} "):
        assert codes.read_invitation_code(typed) == code


@pytest.mark.parametrize(
    "typed", ["chúc mừng năm mới", "bbbb cccc dddd eeee", "7k3m-q9rt-abc2", "7k3m-q9rt-abc2-defg-hjkm", "0323456789"]
)
def test_ordinary_talk_is_no_invitation_code(typed: str) -> None:
    assert codes.read_invitation_code(typed) is None


def test_a_code_already_taken_is_drawn_again_and_grows(stage: Stage) -> None:
    person = stage.person()
    asked: list[int] = []

    def draw(prefix: str, letters: int) -> str:
        asked.append(letters)
        return f"{prefix}-{'2' * letters}"

    values = {"contact_id": person.contact_id, "unit_id": stage.units["boi"], "full_name": "A", "created_at": NOON}
    made = []
    with stage.db() as db:
        for uid in "ab":
            row = {**values, "uid": uid, "state": "submitted"}
            made.append(codes.insert_coded(db, application, "DK", row, draw=draw)[1])
        with pytest.raises(codes.NoCodeLeft):
            codes.insert_coded(db, application, "DK", {**values, "uid": "c", "state": "submitted"}, draw=draw)
    assert made == ["DK-2222", "DK-22222"]
    assert asked[:4] == [4, 4, 4, 5]


def test_another_broken_rule_is_not_taken_for_a_taken_code(stage: Stage) -> None:
    person = stage.person()
    values = {"contact_id": person.contact_id, "unit_id": stage.units["boi"], "full_name": "A", "created_at": NOON}
    with stage.db() as db:
        codes.insert_coded(db, application, "DK", {**values, "uid": "same", "state": "submitted"})
        with pytest.raises(IntegrityError):
            codes.insert_coded(db, application, "DK", {**values, "uid": "same", "state": "submitted"})
        codes.insert_coded(db, application, "DK", {**values, "uid": "other", "state": "submitted"})
    assert stage.rows("select count(*) from application") == [(2,)]

"""Signatures: the published vectors, and ten thousand events that were touched."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest

from bot.channels.zalo_oa.signature import BELIEVED, HEADER, Signature, Signer, timestamp_in

APP_ID, OA_ID, SECRET = "4012345678901234567", "3009998887776665554", "oa-secret-for-tests"
RAW = b'{"app_id":"4012345678901234567","event_name":"user_send_text","timestamp":"1793400000123"}'
BY_APP = "22e0ed8455245c7b2fe3027f0880b28e95e0709666a9a8519b9a1460fcfc1c9f"
BY_OA = "49a285ed28e36c502ac09384cd9b05469b30a6b993d5917dcf94252e46bb45cd"
AT = datetime.fromtimestamp(1793400000.123, UTC)


def signature(first: str = APP_ID, secret: str = SECRET, at: datetime = AT) -> Signature:
    return Signature(Signer(first, secret), lambda: at)


@pytest.mark.parametrize(("first", "digest"), [(APP_ID, BY_APP), (OA_ID, BY_OA)])
def test_the_published_vectors_hold_with_either_first_term(first: str, digest: str) -> None:
    assert Signer(first, SECRET).digest(RAW, "1793400000123") == digest
    theirs = signature(first)
    for shown in (f"mac={digest}", digest, f"mac={digest.upper()}", f" mac={digest} "):
        assert theirs.may_speak({HEADER: shown})
        assert theirs.is_theirs({HEADER: shown}, RAW)
    assert not signature("1" + first).is_theirs({HEADER: digest}, RAW)
    assert not signature(first, "another").is_theirs({HEADER: digest}, RAW)


@pytest.mark.parametrize("shown", ["", "mac=", "mac=xyz", BY_APP[:-1], BY_APP + "0", "mac=mac=" + BY_APP, "☃" * 64])
def test_what_is_no_signature_is_not_listened_to(shown: str) -> None:
    headers = {HEADER: shown} if shown else {}
    assert not signature().may_speak(headers)
    assert not signature().is_theirs(headers, RAW)


def test_a_signature_is_believed_as_long_as_the_platform_tries_and_no_longer() -> None:
    headers = {HEADER: BY_APP}
    for away in (timedelta(), BELIEVED, -BELIEVED):
        assert signature(at=AT + away).is_theirs(headers, RAW)
    for away in (BELIEVED + timedelta(seconds=1), -BELIEVED - timedelta(seconds=1), timedelta(days=900)):
        assert not signature(at=AT + away).is_theirs(headers, RAW)


@pytest.mark.parametrize(
    ("raw", "found"),
    [
        (b'{"timestamp": 1793400000123}', "1793400000123"),
        (b'{"timestamp": "1793400000123"}', "1793400000123"),
        (b'{"timestamp": true}', None),
        (b'{"timestamp": "-1"}', None),
        (b'{"timestamp": "1793400000123.5"}', None),
        ('{"timestamp": "١٧٩٣٤٠٠٠٠٠١٢٣"}'.encode(), None),
        (b'{"timestamp": "9999999999999999"}', "9999999999999999"),
        (b"[]", None),
        (b"7", None),
        (b"", None),
        (b"\xff\xfe", None),
        (b"{" * 100_000, None),
        (b"[" * 100_000, None),
    ],
)
def test_a_timestamp_is_digits_or_nothing(raw: bytes, found: str | None) -> None:
    assert timestamp_in(raw) == found
    if found is not None:
        digest = Signer(APP_ID, SECRET).digest(raw, found)
        assert signature().is_theirs({HEADER: digest}, raw) is (found == "1793400000123")


def test_none_of_ten_thousand_touched_events_is_believed_and_none_breaks_us() -> None:
    dice, theirs = random.Random(7), signature()
    for _ in range(10_000):
        raw, shown = bytearray(RAW), f"mac={BY_APP}"
        match dice.randrange(5):
            case 0:
                place = dice.randrange(len(raw))
                raw[place] ^= 1 << dice.randrange(8)
            case 1:
                place = dice.randrange(len(raw) + 1)
                raw[place:place] = bytes([dice.randrange(256)])
            case 2:
                del raw[dice.randrange(len(raw))]
            case 3:
                raw = bytearray(RAW.replace(b"1793400000123", str(dice.randrange(10**9, 10**15)).encode()))
            case 4:
                place = 4 + dice.randrange(64)
                other = dice.choice([each for each in "0123456789abcdef" if each != shown[place]])
                shown = shown[:place] + other + shown[place + 1 :]
        assert not theirs.is_theirs({HEADER: shown}, bytes(raw))
    assert theirs.is_theirs({HEADER: f"mac={BY_APP}"}, RAW)


def test_no_secret_is_shown() -> None:
    assert SECRET not in repr(signature())

"""Logs: nothing a person wrote, no number, no code, no token; one line an event."""

from __future__ import annotations

import io
import json
import logging
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from bot import logs
from bot.logs import Leak, clean, start_logging
from bot.metrics import make_metrics

SENTENCE = "chong em danh em dau lam"
SECRETS = (
    "+84912345678",
    "0912 345 678",
    "09.12.34.56.78",
    "064195001234",
    "7K3M-Q9RT-ABC2-DEFG",
    "7k3m q9rt abc2 defg",
    "BC-7K3M",
    "123456789:AAFdKx3zPqR_canary-canary_canary_x",
    "pX3wT5nB9sK2vR8mQ4jH7gC6dF1zL0aYeUoI",
)


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """Logs of this test alone; the ones before are put back."""
    handlers, level, hooks = logging.root.handlers, logging.root.level, (sys.excepthook, threading.excepthook)
    stream = io.StringIO()
    start_logging(stream)
    yield stream
    logging.root.handlers, logging.root.level = handlers, level
    sys.excepthook, threading.excepthook = hooks
    logging.captureWarnings(False)
    logging.getLogger("aiohttp.access").disabled = False
    structlog.reset_defaults()


def events(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_an_event_is_one_line_of_json(written: io.StringIO) -> None:
    structlog.get_logger().info("delivery_failed", delivery_id=7, reason="refused\nby\u2028them", retry=False)
    (event,) = events(written)
    assert event["event"] == "delivery_failed"
    assert event["delivery_id"] == 7
    assert event["level"] == "info"
    assert event["retry"] is False
    assert event["timestamp"].endswith("Z")
    assert written.getvalue().isascii()


@pytest.mark.parametrize("secret", SECRETS)
def test_a_secret_passes_in_no_way(written: io.StringIO, secret: str) -> None:
    log, library = structlog.get_logger(), logging.getLogger("some.library")
    log.info("seen", said=f"it was {secret} there", inside={"list": [secret]})
    library.warning("sent to %s", secret)
    library.warning(f"sent to {secret}")
    try:
        raise ValueError(f"bad {secret}")
    except ValueError:
        log.exception("failed")
        library.exception("failed")
    assert len(events(written)) == 5
    assert secret not in written.getvalue()


@pytest.mark.parametrize(
    "address",
    [
        "https://api.example.org/bot123456789:AAFdKx3zPqR_canary-canary_canary_x/sendMessage",
        "https://api.example.org/file/bot123456789:AAFdKx3zPqR_canary-canary_canary_x/photos/file_1.jpg",
        "/bot1234567890:AAFdKx3zPqR_canary-canary_canary_x/getUpdates?offset=5",
        "https%3A%2F%2Fapi.example.org%2Fbot123456789%3AAAFdKx3zPqR_canary-canary_canary_x",
    ],
)
def test_no_address_gives_a_token_away(written: io.StringIO, address: str) -> None:
    log, library = structlog.get_logger(), logging.getLogger("aiohttp.client")
    log.warning("poll_failed", reason=address, url=address)
    library.warning("POST %s failed", address)
    try:
        raise OSError(f"Cannot connect to host {address}") from ValueError(address)
    except OSError:
        log.exception("channel_step_failed")
        library.exception("unclosed %r", address)
    assert "AAFdKx3zPqR" not in written.getvalue()


@pytest.mark.parametrize("field", ["text", "body", "answers", "name", "full_name", "phone", "external_id", "token"])
def test_fields_for_what_people_say_are_hidden_whole(written: io.StringIO, field: str) -> None:
    structlog.get_logger().info("seen", **{field: SENTENCE}, inside={field: [SENTENCE]})
    assert SENTENCE not in written.getvalue()


def test_what_people_wrote_is_not_told_by_an_exception(written: io.StringIO) -> None:
    local = SENTENCE
    try:
        try:
            int(local)
        except ValueError as error:
            raise RuntimeError(f"cannot read {local!r} or chồng em") from error
    except RuntimeError:
        structlog.get_logger().exception("turn_failed", inbox_id=3)
    (event,) = events(written)
    told = "\n".join(event["exception"])
    assert SENTENCE not in told
    assert "em" not in told.split()
    assert "builtins.RuntimeError" in told
    assert "builtins.ValueError" in told
    assert "test_logs.py" in told


def test_values_of_a_statement_are_not_told(written: io.StringIO) -> None:
    message = "(sqlite3.IntegrityError) UNIQUE failed\n[SQL: INSERT INTO x VALUES (?)]\n[parameters: (Mai, 12)]"
    assert "Mai" not in clean(message)


@pytest.mark.parametrize(
    "message",
    [
        "duplicate key value violates unique constraint\nDETAIL:  Key (name)=(Mai) already exists.",
        "Key (name)=(Mai) already exists.",
        "invalid input for query argument $4: {'text': 'a\nMai'} (expected str)",
    ],
)
def test_values_in_an_error_of_postgresql_are_not_told(message: str) -> None:
    assert "Mai" not in clean(message)


def test_names_of_our_own_keys_stay_readable() -> None:
    assert clean("no words for 'report.held_on'") == "no words for 'report.held_on'"


def test_numbers_that_are_not_of_a_person_stay(written: io.StringIO) -> None:
    structlog.get_logger().info("counted", count=600_000, seconds=0.123456789, id=184467)
    (event,) = events(written)
    assert (event["count"], event["seconds"], event["id"]) == (600_000, 0.123456789, 184467)


def test_a_phone_number_as_a_number_is_hidden(written: io.StringIO) -> None:
    structlog.get_logger().info("counted", value=84912345678)
    assert "84912345678" not in written.getvalue()


def test_an_unknown_object_is_told_by_its_kind(written: io.StringIO) -> None:
    class Letter:
        def __repr__(self) -> str:
            return SENTENCE

    structlog.get_logger().info("seen", letter=Letter())
    assert events(written)[0]["letter"] == "Letter"


def test_libraries_speak_from_warning_on_and_the_access_log_never(written: io.StringIO) -> None:
    logging.getLogger("some.http").info("GET /secret")
    logging.getLogger("aiohttp.access").warning("GET /secret")
    assert written.getvalue() == ""


def test_a_record_that_cannot_be_filled_in_does_not_stop_us(written: io.StringIO) -> None:
    record = logging.LogRecord("x", logging.WARNING, "x.py", 1, "%d apples", (SENTENCE,), None)
    line = next(handler for handler in logging.root.handlers if type(handler).__module__ == "bot.logs").format(record)
    assert json.loads(line)["event"] == "unreadable log record"


def test_long_text_is_cleaned_in_time_and_cut(written: io.StringIO) -> None:
    structlog.get_logger().info("seen", said="a" * 1_000_000 + "ạ")
    assert len(written.getvalue()) < 2_000


def test_a_crash_is_told_in_the_same_form(written: io.StringIO) -> None:
    try:
        raise ValueError(SENTENCE.join("''"))
    except ValueError as error:
        sys.excepthook(type(error), error, error.__traceback__)
    (event,) = events(written)
    assert event["event"] == "crashed"
    assert SENTENCE not in written.getvalue()


def test_a_filter_that_leaks_does_not_start(written: io.StringIO) -> None:
    with pytest.raises(Leak, match="phone"):
        logs.prove(io.StringIO('{"said": "+84 912 345 678"}'))


def test_metrics_are_a_registry_of_their_own() -> None:
    one, other = make_metrics(), make_metrics()
    one.messages_received.labels("web_chat").inc()
    one.acknowledgement_s.observe(0.02)
    assert b'lantoa_messages_received_total{channel="web_chat"} 1.0' in one.render()
    assert b"lantoa_acknowledgement_seconds_count 1.0" in one.render()
    assert b'channel="web_chat"' not in other.render()

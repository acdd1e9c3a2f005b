"""Logs: one JSON object a line on stderr, without tokens, phone numbers, codes or anything people wrote.

Whatever reaches the handler is cleaned, our own events and those of libraries alike, and a self-test at the start
proves it. The loggers of HTTP libraries stay at WARNING: below it they print addresses with tokens in them.
"""

from __future__ import annotations

import io
import json
import logging
import re
import sys
import threading
import traceback
from collections.abc import Mapping, MutableMapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO, cast

import structlog

HIDDEN = "***"
PERSONAL_FIELDS = frozenset(
    {"address", "answer", "answers", "body", "content", "external_id", "full_name", "headers", "name", "phone", "query"}
    | {"source_text", "text", "token", "words"}
)
MOST_CHARS = 500
MOST_READ_CHARS = 4000
MOST_FRAMES = 12

# In this order: what a later pattern would cut to pieces comes first.
_SECRETS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"\[(?:SQL|parameters): .*",  # what the database library adds to its errors
        r"(?s:(?:invalid input for query argument|DETAIL:|CONTEXT:|Key \().*)",  # and PostgreSQL and its driver
        r"\d{6,12}:[\w-]{25,}",  # bot tokens
        r"(?<![\w/.-])(?=[\w+/=-]*\d)(?=[\w+/=-]*[a-z])[\w+/=-]{32,}",  # keys, cookies, digests
        r"\b[2-9A-HJKMNP-Z]{4}(?:[- ][2-9A-HJKMNP-Z]{4}){3}\b",  # invitations
        r"\b[A-Z]{2}-[2-9A-HJKMNP-Z]{4,5}\b",  # short codes
        r"(?<![\w.])(?:\+|00)?(?:84|0)(?:[ .-]?\d){8,11}(?!\d)",  # phone and identity numbers
    )
)
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"|“[^”]*”")
_OWN_WORD = re.compile(r"[a-z]\w*[._][\w.]*", re.ASCII)
_FOREIGN_TAIL = re.compile(r"\S*[^\x00-\x7f].*", re.DOTALL)


class Leak(Exception):
    """The self-test saw through the filter; the program must not run."""


def clean(text: str) -> str:
    """Return `text` without secrets, quotations, and all that follows a letter beyond ASCII: perhaps a person's words.

    Names of our own keys and events such as `report.held_on` stay readable.
    """
    text = text[:MOST_READ_CHARS]
    for secret in _SECRETS:
        text = secret.sub(HIDDEN, text)
    text = _QUOTED.sub(_hide_quoted, text)
    return _FOREIGN_TAIL.sub(HIDDEN, text)[:MOST_CHARS]


def _hide_quoted(found: re.Match[str]) -> str:
    return found[0] if _OWN_WORD.fullmatch(found[0][1:-1]) else f"'{HIDDEN}'"


def clean_value(value: Any) -> Any:
    """Return a field's value cleaned, whatever it holds; unknown objects become their type's name."""
    match value:
        case None | bool():
            return value
        case int() | float():
            return HIDDEN if _is_number_of_person(value) else value
        case str():
            return clean(value)
        case Mapping():
            return {str(name): clean_field(str(name), inner) for name, inner in value.items()}
        case list() | tuple() | set() | frozenset():
            return [clean_value(inner) for inner in value]
        case Path():
            return clean(str(value))
        case _:
            return type(value).__name__


def clean_field(name: str, value: Any) -> Any:
    """Return a field's value cleaned; fields that hold a person's words by their name are hidden whole."""
    return HIDDEN if name.lower() in PERSONAL_FIELDS else clean_value(value)


def _is_number_of_person(value: float) -> bool:
    digits = str(value)
    return digits.startswith("84") and len(digits) in {11, 12} and digits.isdigit()


def told(error: BaseException) -> list[str]:
    """Return an exception as lines: its kind and cleaned message, where it passed, then what caused it.

    No source lines and no values of variables: they hold what people wrote.
    """
    lines: list[str] = []
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        lines.append(f"{type(current).__module__}.{type(current).__qualname__}: {clean(str(current))}")
        frames = traceback.extract_tb(current.__traceback__)[-MOST_FRAMES:]
        lines += [f"  {'/'.join(Path(f.filename).parts[-2:])}:{f.lineno} {f.name}" for f in frames]
        current = current.__cause__ or (None if current.__suppress_context__ else current.__context__)
    return lines


def _exception_of(event: Mapping[str, Any]) -> BaseException | None:
    given = event.get("exc_info")
    if isinstance(given, BaseException):
        return given
    if isinstance(given, tuple):
        return given[1] if isinstance(given[1], BaseException) else None
    return sys.exc_info()[1] if given else None


def cleaned(_logger: object, _method: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
    """Return an event with every field cleaned and its exception told; a processor of structlog."""
    error = _exception_of(event)
    fields = {name: clean_field(name, value) for name, value in event.items() if name != "exc_info"}
    return fields | {"exception": told(error)} if error is not None else fields


def _to_line(_logger: object, _method: str, event: Mapping[str, Any]) -> str:
    # ASCII only: every kind of line break inside a value is encoded.
    return json.dumps(event, ensure_ascii=True)


class _Handler(logging.StreamHandler[TextIO]):
    """Writes the records of libraries in the same form."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one cleaned line."""
        event: dict[str, Any] = {"event": _filled(record), "level": record.levelname.lower(), "logger": record.name}
        if record.exc_info:
            event["exc_info"] = record.exc_info
        stamped = structlog.processors.TimeStamper(fmt="iso", utc=True)(None, "", event)
        return _to_line(None, "", cleaned(None, "", stamped))


def _filled(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except (TypeError, ValueError, KeyError):
        return "unreadable log record"


def start_logging(stream: TextIO = sys.stderr, *, level: int = logging.INFO) -> None:
    """Send all logs to `stream` from now on, after proving that nothing personal passes; `Leak` if it does."""
    probe = io.StringIO()
    _send_to(probe, level)
    _sing()
    prove(probe)
    _send_to(stream, level)
    logging.captureWarnings(True)
    sys.excepthook = _tell_crash
    threading.excepthook = _tell_thread_crash


class _Unfailing(io.TextIOBase):
    """A stream that drops what cannot be written: a log on a full disk must not end what it tells of."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write `text` if there is room."""
        with suppress(OSError, ValueError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Flush if there is room."""
        with suppress(OSError, ValueError):
            self._stream.flush()


def _send_to(given: TextIO, level: int) -> None:
    stream = cast(TextIO, _Unfailing(given))
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            cleaned,
            _to_line,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(file=stream),
        cache_logger_on_first_use=False,
    )
    logging.root.handlers = [_Handler(stream)]
    logging.root.setLevel(logging.WARNING)
    access = logging.getLogger("aiohttp.access")
    access.disabled = True


_CANARIES = {
    "phone": "+84 912 345 678",
    "local_phone": "0912.345.678",
    "token": "123456789:AAFdKx3zPqR-canary_canary_canary_x",
    "key": "pX3wT5nB9sK2vR8mQ4jH7gC6dF1zL0aYeUoI",
    "invitation": "7K3M-Q9RT-ABC2-DEFG",
    "code": "BC-7K3M",
    "sentence": "Kanarienvögel über dem Dorf",
}


def _sing() -> None:
    """Log every canary in every way there is."""
    log = structlog.get_logger()
    library = logging.getLogger("canary")
    for canary in _CANARIES.values():
        log.warning("canary", said=f"'{canary}'", text=canary, nested={"body": [canary]}, number=84912345678)
        library.warning("got %r", canary)
        try:
            raise ValueError(f"invalid literal: {canary!r}") from KeyError(canary)
        except ValueError as error:
            log.exception("canary")
            library.error("failed: %s", error, exc_info=True)


def prove(probe: io.StringIO) -> None:
    """Raise `Leak` unless `probe` holds lines in which no canary can be seen."""
    written = probe.getvalue()
    shown = [name for name, canary in _CANARIES.items() if _shows(written, canary)]
    if shown or "84912345678" in written or not written:
        raise Leak(", ".join(shown))


def _shows(written: str, canary: str) -> bool:
    return any(part in written for part in (canary, json.dumps(canary)[1:-1]))


def _tell_crash(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        return
    structlog.get_logger().critical("crashed", exc_info=error)


def _tell_thread_crash(crash: threading.ExceptHookArgs) -> None:
    if crash.exc_value is not None:
        structlog.get_logger().critical("thread_crashed", exc_info=crash.exc_value)

"""Quiet hours: the times of day in which nobody is written to without having asked."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, time, timedelta, tzinfo

from dialogue.text import VIETNAM

_SPAN = re.compile(r"\s*(\d{1,2}):(\d{2})\s*[–—-]\s*(\d{1,2}):(\d{2})\s*")


@dataclass(frozen=True, slots=True)
class QuietHours:
    """Spans of the day `(from, to)` on the clocks of `zone`; `to` itself is no longer quiet. May pass midnight."""

    spans: tuple[tuple[time, time], ...] = ()
    zone: tzinfo = VIETNAM

    def end_of_quiet(self, at: datetime) -> datetime | None:
        """Return when it stops being quiet, in the zone of the spans, if `at` (aware) is quiet; else None.

        Spans that touch or overlap count as one. None as well if the whole day is quiet: then nothing waits.
        """
        start = local = at.astimezone(self.zone)
        while (end := self._end_of_span(local)) is not None:
            if end - start >= timedelta(days=1):
                return None
            local = end
        return local if local != start else None

    def _end_of_span(self, local: datetime) -> datetime | None:
        for begins, ends in self.spans:
            if begins < ends and begins <= local.time() < ends:
                return _on(local, ends)
            if begins > ends and local.time() >= begins:
                return _on(local + timedelta(days=1), ends)
            if begins > ends and local.time() < ends:
                return _on(local, ends)
        return None


NEVER_QUIET = QuietHours()


def _on(day: datetime, clock: time) -> datetime:
    return day.replace(hour=clock.hour, minute=clock.minute, second=0, microsecond=0)


def read_quiet_hours(text: str, zone: tzinfo = VIETNAM) -> QuietHours:
    """Read `20:30–07:00, 11:30–13:30`; an empty text means never. `ValueError` if it is anything else."""
    return QuietHours(tuple(_span(part) for part in text.split(",") if part.strip()), zone)


def _span(text: str) -> tuple[time, time]:
    match = _SPAN.fullmatch(text)
    if match is None:
        raise ValueError(f"not a span of the day: {text.strip()!r}")
    from_hour, from_minute, to_hour, to_minute = (int(number) for number in match.groups())
    return time(from_hour, from_minute), time(to_hour, to_minute)

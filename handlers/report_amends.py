"""A report put right by an edit of the message it was written in: which figures it changes, adds and takes out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from dialogue.messages import Json
from dialogue.turn import Answers
from handlers.figures_text import Record
from handlers.report_answers import start_list
from handlers.report_records import added_photos, merged, same_fact, without_span

Start = Mapping[str, Json]


def amended(start: Start, answers: Answers, said: Start) -> Start:
    """Return the start facts of a draft whose message reads `said` now.

    What was added to the draft since stays: photos, and figures of which the message says nothing; and so does the
    report it corrects.
    """
    photos = added_photos(tuple(_photos_in(start, answers)), start_list(said, "photos"))
    told = start_list(said, "records")
    known = {record["indicator"] for record in told}
    more = [record for record in _records_in(answers) if record["indicator"] not in known]
    changed: dict[str, Json] = {**said, **({"photos": photos} if photos else {})}
    if more:
        changed["records"] = merged(told, more)
    code = start.get("correct")
    return {**restated(code, start, changed), "photos": photos} if isinstance(code, str) else changed


def _records_in(answers: Answers) -> Iterator[Record]:
    for _, answer in answers:
        if isinstance(answer, Mapping):
            yield from start_list(answer, "records")


def _photos_in(start: Start, answers: Answers) -> Iterator[str]:
    """The photos that came with the message or were added to the draft since."""
    yield from start_list(start, "photos")
    for key, answer in answers:
        photos = answer.get("photos") if isinstance(answer, Mapping) else answer if key in _PHOTO_ASKS else ()
        yield from photos if isinstance(photos, list | tuple) else ()


_PHOTO_ASKS = ("report.photo", "guided.photos")


def restated(code: str, was: Start, said: Start) -> dict[str, Json]:
    """Return the start facts of a correction of the report `code`, which read `was` and reads `said` now.

    What is not said any more is taken out of it.
    """
    records = start_list(said, "records")
    gone = [*start_list(was, "records"), *start_list(was, "dropped")]
    dropped = [record for record in gone if not any(same_fact(record, each) for each in records)]
    return {"correct": code, "records": records, "asks": start_list(said, "asks"), "dropped": dropped}


def says_the_same(was: Start, said: Start) -> bool:
    """Tell whether two readings hold the same figures and leave the same open."""
    return all(_bare(was, name) == _bare(said, name) for name in ("records", "asks", "photos"))


def _bare(start: Start, name: str) -> list[Json]:
    """What a reading holds, without where in the message it stands."""
    return [without_span(each) if isinstance(each, Mapping) else each for each in start_list(start, name)]


def kept(records: list[Any], start: Start) -> list[Any]:
    """Return the figures of a report without those that its message does not say any more."""
    dropped = start_list(start, "dropped")
    return [record for record in records if not any(same_fact(record, each) for each in dropped)]

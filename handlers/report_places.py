"""Find the places a report names: units of the sender's scope, by their names of today or of old."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from dialogue.turn import Look, look
from handlers.context import Context, Post
from handlers.figures_text import Record
from handlers.report_answers import start_list, words_of
from handlers.report_reading import read_with, said_in
from storage import places
from storage.database import Connection
from storage.places import Place
from vietnamese.fold import align, fold

_SHORTEST_PROPER_NAME = 2
"""Words of a name without its kind ("Ia Ly" of "xã Ia Ly"); one word alone is too common a word."""


def named_in(
    db: Connection, text: str, unit_id: int, on: date, short: tuple[tuple[str, str], ...]
) -> Mapping[str, Place]:
    """Return what the text calls places around a unit, each as it is typed, with the place it is."""
    return dict(_found(text, places.around(db, unit_id, on), short))


def look_for(context: Context, post: Post) -> Look:
    """Return the question which places her message names."""
    pairs = (entry.partition("=") for entry in words_of(context, "report.place.words"))
    short = tuple(sorted((long.strip(), brief.strip()) for brief, _, long in pairs))
    return look(named_in, str(context.start.get("text") or ""), post.unit_id, context.today, short)


def _found(text: str, known: Sequence[Place], short: tuple[tuple[str, str], ...]) -> Iterator[tuple[str, Place]]:
    """Yield each name in the text once, longer ones before those within them."""
    left = align(text)
    callable_by = [(spelling, place) for place in known for spelling in _spellings(place, short)]
    for spelling, place in sorted(callable_by, key=lambda pair: -len(pair[0])):
        match = re.search(rf"(?<![^\W_]){re.escape(spelling)}(?![^\W_])", left.text)
        if match:
            start, end = left.span(*match.span())
            left = left.blanked([match.span()])
            yield text[start:end], place


def _spellings(place: Place, short: tuple[tuple[str, str], ...]) -> Iterator[str]:
    """Yield how a place may be typed, folded: "xã Ia Ly", "Ia Ly", "la Ly"; "tổ dân phố 3", "tdp 3"."""
    whole = fold(place.name)
    proper = [word for word in place.name.split() if not word[0].islower()]
    names = [whole]
    if len(proper) >= _SHORTEST_PROPER_NAME:
        names.append(fold(" ".join(proper)))
    names += [f"{brief}{whole.removeprefix(long)}" for long, brief in short if whole.startswith(f"{long} ")]
    for name in names:
        yield name
        # A capital I and a small l look alike, and phones put one for the other.
        if re.search(r"\bia\b", name):
            yield re.sub(r"\bia\b", "la", name)


def placed(context: Context, named: Mapping[str, Place]) -> tuple[list[Record], list[Any]]:
    """Return the records and questions of her message, read with the places it names."""
    records, asks = start_list(context.start, "records"), start_list(context.start, "asks")
    text = context.start.get("text")
    if not named or not isinstance(text, str):
        return records, asks
    told = said_in(read_with(text, replace(context, now=context.said_at), tuple(named)))
    found = {_key(each): each for each in told["records"]}
    return [_with_place(record, found, named) for record in records], told["asks"]


def _with_place(record: Record, found: Mapping[Any, Record], named: Mapping[str, Place]) -> Record:
    place = named.get(str((found.get(_key(record)) or {}).get("place")))
    if place is None:
        return record
    return {**record, "place": place.name} | ({"place_now": place.now} if place.now else {"place_unit": True})


def _key(record: Record) -> tuple[Any, ...]:
    return record["indicator"], *(record.get("span") or ())

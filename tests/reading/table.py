"""The table of messages with what they must be read as: forty of the brief, the others our own."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from figures.catalogue import Catalogue, load
from figures.reading import read
from vietnamese.fold import fold_letter

INDICATORS = Path(__file__).resolve().parents[2] / "content" / "indicators.yaml"
COMPARED = ("indicator", "value", "unit", "date", "qualifier", "replaces")
Facts = tuple[str, list[str]]


@dataclass(frozen=True)
class Row:
    """One message, who sent it when, and the reading it must have."""

    id: str
    at: datetime
    level: str
    message: str
    expected: dict[str, Any]


@cache
def shipped() -> Catalogue:
    """Return the catalogue as shipped."""
    return load(yaml.safe_load(INDICATORS.read_text("utf-8")))


def rows() -> list[Row]:
    """Return the rows of `messages.tsv`; a line break inside a message is written as a backslash and n."""
    lines = Path(__file__).with_name("messages.tsv").read_text("utf-8").splitlines()[1:]
    parts = [line.split("\t") for line in lines]
    return [
        Row(id, datetime.fromisoformat(at), level, text.replace("\\n", "\n"), json.loads(want))
        for id, at, level, text, want in parts
    ]


def reading_of(row: Row, catalogue: Catalogue, message: str | None = None) -> dict[str, Any]:
    """Read the row's message, or another wording of it, as its sender at its time."""
    text = row.message if message is None else message
    return read(text, at=row.at, sender_level=row.level, catalogue=catalogue).as_json()


MEANT = ("topic", "member", "query", "period", "target")
TOLD = ("by", "of", "derived", "cumulative")


def untold(row: Row, reading: dict[str, Any]) -> list[str]:
    """Return what a row says beside the facts and its reading does not: parts, products, topic, member, query …"""
    wrong = [key for key in MEANT if key in row.expected and row.expected[key] != reading.get(key)]
    read = [{key: record.get(key) for key in (*COMPARED, *TOLD)} for record in reading["records"]]
    for record in row.expected["records"]:
        said = {key: record[key] for key in (*COMPARED, *TOLD) if key in record}
        if not any(all(each[key] == value for key, value in said.items()) for each in read):
            wrong.append(f"{record['indicator']}: {said}")
    return wrong


def facts(reading: dict[str, Any]) -> Facts:
    """Return what a wrong reading would get wrong: the intent and its figures, in any order."""
    records = [json.dumps({key: record.get(key) for key in COMPARED}) for record in reading["records"]]
    return reading["intent"], sorted(records)


def without_accents(text: str) -> str:
    """Return a text as typed without any accent."""
    return "".join(letter if letter == "'" else fold_letter(letter) or letter for letter in text)

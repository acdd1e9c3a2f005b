"""Read the content folder, which Union staff own, into frozen values; every mistake in it is named at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Annotated, Literal, cast

from babel.messages.pofile import PoFileError, read_po
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from bot.reading import Reading
from bot.unit_content import load_units
from dialogue.messages import Say
from dialogue.text import Wording
from figures import catalogue
from figures.catalogue import Catalogue, CatalogueError
from handlers.content import Content, Hotline, Question, ReportType, Role

OWN_CONTENT = Path(__file__).resolve().parents[1] / "content"
"""The content that came with the program: its sentences are there before any configuration is read."""

INDICATORS = "indicators.yaml"

Ability = Literal["report", "approve", "admit", "broadcast", "results", "invite"]
Levels = Annotated[tuple[str, ...], Field(min_length=1)]
PhoneNumber = Annotated[str, Field(pattern=r"^\d[\d ]{1,14}\d$")]


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _Role(_Entry):
    levels: Levels
    can: frozenset[Ability]


class _Question(_Entry):
    indicator: str
    optional: bool = False


class _ReportType(_Entry):
    levels: Levels
    questions: Annotated[tuple[_Question, ...], Field(min_length=1)]


class _Hotline(_Entry):
    code: str
    number: PhoneNumber
    topics: Annotated[tuple[str, ...], Field(min_length=1)]


def load_wording(folder: Path, languages: Sequence[str]) -> Wording:
    """Return the sentences of `languages`; `Wrong` names each file of `folder`/locales that cannot be read."""
    reading = Reading(folder)
    wording = _wording(reading, languages)
    reading.finish()
    return wording


def load_content(folder: Path, languages: Sequence[str]) -> Content:
    """Return all content; `Wrong` names every mistake: unreadable files, unknown codes, missing names."""
    reading = Reading(folder)
    wording = _wording(reading, languages)
    indicators = _catalogue(reading)
    roles, report_types, hotlines = _roles(reading), _report_types(reading), _hotlines(reading)
    levels = load_units(reading).levels
    reading.finish()
    assert indicators is not None  # else a mistake was noted
    content = Content(wording, indicators, roles, report_types, hotlines)
    reading.wrong.extend(_dangling(content, levels))
    reading.finish()
    return content


def _wording(reading: Reading, languages: Sequence[str]) -> Wording:
    return Wording({language: _sentences(reading, f"locales/{language}.po") for language in languages})


def _sentences(reading: Reading, name: str) -> Mapping[str, str]:
    try:
        with (reading.folder / name).open("rb") as file:
            read = read_po(cast(IO[bytes], file), abort_invalid=True)
    except (OSError, UnicodeDecodeError, PoFileError) as error:
        reading.reject(name, "", type(error).__name__)
        return {}
    return {str(message.id): str(message.string) for message in read if message.id and message.string}


def _catalogue(reading: Reading) -> Catalogue | None:
    written = reading.parsed(INDICATORS)
    if not isinstance(written, Mapping):
        if written is not None:
            reading.reject(INDICATORS, "", "mapping")
        return None
    try:
        return catalogue.load(written)
    except CatalogueError as error:
        for problem in error.problems:
            reading.reject(INDICATORS, problem)
        return None


def _roles(reading: Reading) -> Mapping[str, Role]:
    entries = reading.entries("roles.yaml", TypeAdapter(dict[str, _Role])) or {}
    return {code: Role(code, each.levels, frozenset(each.can)) for code, each in entries.items()}


def _report_types(reading: Reading) -> Mapping[str, ReportType]:
    entries = reading.entries("report_types.yaml", TypeAdapter(dict[str, _ReportType])) or {}
    return {
        code: ReportType(code, each.levels, tuple(Question(q.indicator, q.optional) for q in each.questions))
        for code, each in entries.items()
    }


def _hotlines(reading: Reading) -> tuple[Hotline, ...]:
    entries = reading.entries("hotlines.yaml", TypeAdapter(tuple[_Hotline, ...])) or ()
    return tuple(Hotline(each.code, each.number, each.topics) for each in entries)


def _dangling(content: Content, levels: frozenset[str]) -> Iterator[Say]:
    """Yield a mistake for each code that names nothing and each thing without words."""
    names = [f"role.{code}" for code in content.roles]
    names += [f"report_type.{code}" for code in content.report_types]
    names += [f"hotline.{hotline.code}" for hotline in content.hotlines]
    yield from (Say("content.no_words", {"key": key}) for key in names if not content.wording.has(key))
    owners: list[Role | ReportType] = [*content.roles.values(), *content.report_types.values()]
    for owner in owners:
        for level in owner.levels:
            if level not in levels:
                yield Say("content.no_level", {"code": owner.code, "level": level})
    for kind in content.report_types.values():
        for question in kind.questions:
            if question.indicator not in content.catalogue:
                yield Say("content.no_indicator", {"code": kind.code, "indicator": question.indicator})

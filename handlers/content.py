"""What Union staff own, as frozen values: roles, report types, hot-lines, the catalogue of indicators."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from dialogue.text import Wording
from figures.catalogue import Catalogue


@dataclass(frozen=True, slots=True)
class Role:
    """What an appointment allows. `can` holds abilities: report, approve, admit, broadcast, results …"""

    code: str
    levels: tuple[str, ...]
    can: frozenset[str]


@dataclass(frozen=True, slots=True)
class Question:
    """One question of a guided report: the indicator it fills; optional ones may be skipped."""

    indicator: str
    optional: bool = False


@dataclass(frozen=True, slots=True)
class ReportType:
    """A guided report. Its name is the wording key `report_type.<code>`."""

    code: str
    levels: tuple[str, ...]
    questions: tuple[Question, ...]


@dataclass(frozen=True, slots=True)
class Hotline:
    """A number people may call. Its name is the wording key `hotline.<code>`; `topics` says when it is shown."""

    code: str
    number: str
    topics: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Content:
    """Everything read from the content folder at start."""

    wording: Wording
    catalogue: Catalogue
    roles: Mapping[str, Role]
    report_types: Mapping[str, ReportType]
    hotlines: tuple[Hotline, ...]

    def roles_that(self, ability: str) -> frozenset[str]:
        """Return the codes of the roles that have `ability`."""
        return frozenset(code for code, role in self.roles.items() if ability in role.can)

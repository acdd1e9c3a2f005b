"""The account of a run as a spreadsheet, made when an officer asks for it, as things stand then; kept nowhere."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from bot.picture_contract import PictureJobFailed, PictureRefused
from bot.pictures import PicturePool
from dialogue.messages import Phrase
from handlers.broadcast import ABILITY, audience_in_words
from handlers.broadcast_card import failure_in_words
from handlers.content import Content
from handlers.context import VIETNAM
from storage import appointments, audit, broadcasts, campaigns, contacts, deliveries, recipients, units
from storage.broadcasts import Broadcast
from storage.campaigns import Campaign
from storage.database import Connection, Database
from storage.recipients import Recipient

ENDING = ".xlsx"
PAGE = 2_000
MOST_LISTED = 200_000
"""Of a larger run only those are listed in the chat who did not get it; the command lists all."""


@dataclass(frozen=True, slots=True)
class Account:
    """A run with its campaign, how many recipients are in which state, why some failed, and the unit it went to."""

    run: Broadcast
    campaign: Campaign
    counts: Mapping[str, int]
    failures: Sequence[tuple[str, int]]
    unit: str

    @property
    def day(self) -> date:
        """The day of the run in Việt Nam."""
        return self.run.created_at.astimezone(VIETNAM).date()


class Exports:
    """Makes spreadsheets in the helper process of `pool`; each is noted in the audit with `key`."""

    def __init__(
        self, db: Database, content: Content, pool: PicturePool, *, key: bytes, now: Callable[[], datetime]
    ) -> None:
        self._db = db
        self._content = content
        self._pool = pool
        self._key = key
        self._now = now

    async def made(self, channel: str, external_id: str, name: str) -> bytes | None:
        """Return a file by the name in its link; None if whoever asks may not see it, or it cannot be made now."""
        code = name.removesuffix(ENDING)
        asking = await self._db.read(_holder, channel, external_id)
        if asking is None or code == name:
            return None
        found = await self._db.read(seen_by, self._content, asking.id, code, self._now())
        if found is None:
            return None
        await self._db.write(note, found, actor_id=asking.id, channel=channel, key=self._key, at=self._now())
        return await self._written(Rows(found, Words(self._content, asking.language), MOST_LISTED))

    async def _written(self, rows: Rows) -> bytes | None:
        with TemporaryDirectory(prefix="lantoa-sheet-") as folder:
            given, target = Path(folder) / "rows", Path(folder) / f"made{ENDING}"
            with given.open("w", encoding="utf-8") as file:
                file.write(rows.head())
                while lines := await self._db.read(rows.next_page):
                    file.write(lines)
            try:
                await self._pool.write_sheet(given, target)
            except (PictureRefused, PictureJobFailed):
                return None
            return await asyncio.to_thread(target.read_bytes)


def _holder(db: Connection, channel: str, external_id: str) -> contacts.Contact | None:
    address = contacts.find_address(db, channel, external_id)
    return contacts.get_many(db, [address.contact_id])[address.contact_id] if address is not None else None


def seen_by(db: Connection, content: Content, contact_id: int, code: str, now: datetime) -> Account | None:
    """Return a run by its code if it went to units that are within an officer's reach today."""
    found = by_code(db, code)
    today = now.astimezone(VIETNAM).date()
    scope = appointments.scope_of(db, contact_id, content.roles_that(ABILITY), today)
    if found is None or not units.is_within(db, found.campaign.unit_id, scope, today):
        return None
    return found


def by_code(db: Connection, code: str) -> Account | None:
    """Return a run by its code, with what there is to tell of it."""
    run = broadcasts.by_code(db, code)
    campaign = campaigns.get(db, run.campaign_id) if run is not None else None
    if run is None or campaign is None:
        return None
    unit = units.get(db, campaign.unit_id, run.created_at.astimezone(VIETNAM).date())
    counts, failures = deliveries.counts(db, run.id), deliveries.failures(db, run.id)
    return Account(run, campaign, counts, failures, unit.name if unit else "")


def export(db: Connection, content: Content, language: str, account: Account, target: Path) -> int:
    """Write the whole account of a run into the spreadsheet `target` and return how many rows it has."""
    from bot.sheets import write

    rows = Rows(account, Words(content, language))
    with TemporaryDirectory(prefix="lantoa-sheet-") as folder:
        given = Path(folder) / "rows"
        with given.open("w", encoding="utf-8") as file:
            file.write(rows.head())
            while lines := rows.next_page(db):
                file.write(lines)
        return write(given, target).rows


def note(
    db: Connection, account: Account, *, actor_id: int | None, channel: str | None, key: bytes, at: datetime
) -> None:
    """Note in the audit that the names of a run were taken out of the program."""
    subject = f"campaign:{account.campaign.code}"
    after = {"run": account.run.code}
    audit.record(
        db, at=at, actor_id=actor_id, channel=channel, act="broadcast.exported", subject=subject, after=after, key=key
    )


@dataclass
class Rows:
    """The rows of an account on their way into the file of rows, a page of recipients at a time.

    Of more than `most` people only those are listed who did not get it.
    """

    account: Account
    words: Words
    most: int | None = None
    after: int = 0
    names: dict[int, str] = field(default_factory=dict)

    @property
    def is_short(self) -> bool:
        """Whether those who got it are left out."""
        return self.most is not None and sum(self.account.counts.values()) > self.most

    def head(self) -> str:
        """Return the lines before the recipients."""
        return "".join(self.words.head(self.account, is_short=self.is_short))

    def next_page(self, db: Connection) -> str:
        """Return the lines of the next recipients; empty after the last."""
        run_id, day = self.account.run.id, self.account.day
        people = recipients.page(db, run_id, day, after=self.after, most=PAGE, without_sent=self.is_short)
        new = {each.unit_id for each in people if each.unit_id is not None} - self.names.keys()
        self.names |= recipients.unit_names(db, new, day)
        self.after = people[-1].contact_id if people else self.after
        return "".join(self.words.recipient(each, self.names) for each in people)


@dataclass(frozen=True)
class Words:
    """The rows of an account in one language, as lines of the file of rows (`bot/sheets.py`)."""

    content: Content
    language: str

    def head(self, account: Account, *, is_short: bool) -> list[str]:
        """Return the description of both sheets, all rows of the first, and the heading of the second."""
        sheets = [
            {"name": self._say("account.sheet_counts"), "widths": [34, 60]},
            {"name": self._say("account.sheet_people"), "widths": [34, 40, 28, 40, 24]},
        ]
        columns = ("name", "unit", "state", "reason", "time")
        heading = [self._say(f"account.column.{column}") for column in columns]
        facts = [*self._facts(account), *self._numbers(account)]
        facts += [[self._say("account.only_without"), ""]] if is_short else []
        return [_line(sheets), *(_line([0, cells]) for cells in facts), _line([1, heading])]

    def recipient(self, each: Recipient, names: Mapping[int, str]) -> str:
        """Return the row of a recipient."""
        cells = [
            each.name or "",
            names.get(each.unit_id, "") if each.unit_id is not None else "",
            self._say(f"account.state.{each.state}"),
            self._phrase(failure_in_words(self.content.wording, each.reason)) if _tells(each) else "",
            self._phrase(each.settled_at),
        ]
        return _line([1, cells])

    def _facts(self, account: Account) -> list[list[str]]:
        run, campaign = account.run, account.campaign
        text = next(iter((run.texts or campaign.texts).values()))
        to = f"{self._phrase(audience_in_words(campaign.role))}, {account.unit}"
        facts: list[tuple[str, Phrase]] = [
            ("code", run.code),
            ("text", text),
            ("to", to),
            ("began", run.created_at),
            ("ended", run.settled_at),
            ("total", str(sum(account.counts.values()))),
        ]
        return [[self._say(f"account.fact.{name}"), self._phrase(value)] for name, value in facts]

    def _numbers(self, account: Account) -> list[list[str]]:
        rows: list[list[str]] = []
        for state, count in account.counts.items():
            rows.append([self._say(f"account.state.{state}"), str(count)])
            if state == "failed":
                failures = ((failure_in_words(self.content.wording, why), n) for why, n in account.failures)
                rows += [[f"    {self._phrase(why)}", str(n)] for why, n in failures]
        return rows

    def _say(self, key: str) -> str:
        return self.content.wording.sentence(key, self.language)

    def _phrase(self, phrase: Phrase) -> str:
        return self.content.wording.phrase(phrase, self.language)


def _tells(each: Recipient) -> bool:
    return bool(each.reason) and each.state in ("failed", "skipped", "unknown", "cancelled")


def _line(value: object) -> str:
    return json.dumps(value, ensure_ascii=False) + "\n"

"""What this database is: a demonstration or the real thing, who answers for the data, and whether sending is held."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select, update

from storage.schema import installation

DEMO = "demo"
REAL = "real"


class NotSetUp(Exception):
    """The database does not say what it is; it was not made by this program."""


@dataclass(frozen=True, slots=True)
class Installation:
    """`kind` is demo or real; `controller` answers for personal data; on `hold` nothing is sent to anybody."""

    kind: str
    controller: str
    hold: bool
    created_at: datetime

    @property
    def is_demo(self) -> bool:
        """Tell whether the data are made up."""
        return self.kind == DEMO


def create(db: Connection, *, kind: str, controller: str, at: datetime) -> None:
    """Say once and for all what this database is; a second time breaks the table's constraint."""
    db.execute(installation.insert().values(id=1, kind=kind, controller=controller, hold=False, created_at=at))


def get(db: Connection) -> Installation:
    """Return what this database is; `NotSetUp` where it does not say."""
    columns = (installation.c.kind, installation.c.controller, installation.c.hold, installation.c.created_at)
    row = db.execute(select(*columns)).first()
    if row is None:
        raise NotSetUp
    return Installation(*row)


def set_hold(db: Connection, hold: bool) -> bool:
    """Hold all sending, or let it go on; tell whether that changed anything."""
    changed = update(installation).where(installation.c.hold.is_(not hold)).values(hold=hold)
    return db.execute(changed).rowcount == 1

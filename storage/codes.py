"""Short codes people can read out on the phone (`BC-7K3M`), and invitation codes nobody can guess."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import Connection, Table, select
from sqlalchemy.exc import IntegrityError

from storage.database import savepoint
from vietnamese.fold import fold

ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
"""Without 0, O, 1, I and L, which look alike on a bad screen and sound alike on a bad line."""

TRIES = 24
_SHORT = 4
_LONG = 5
_GROUPS, _GROUP_LETTERS = 4, 4
_LETTER = f"[{ALPHABET.lower()}]"
_GROUP = f"{_LETTER}{{{_GROUP_LETTERS}}}"
_INVITATION = re.compile(rf"{_GROUP}(?:[ -]?{_GROUP}){{{_GROUPS - 1}}}")


class NoCodeLeft(Exception):
    """No free code was found; there are far too many rows of this kind."""


def short_code(prefix: str, letters: int = _SHORT) -> str:
    """Return a random code such as `BC-7K3M`. It proves nothing: whoever uses it is checked."""
    return f"{prefix}-{''.join(secrets.choice(ALPHABET) for _ in range(letters))}"


def insert_coded(
    db: Connection,
    table: Table,
    prefix: str,
    values: Mapping[str, Any],
    *,
    draw: Callable[[str, int], str] = short_code,
) -> tuple[int, str]:
    """Insert a row with a fresh `code` such as `BC-7K3M` and return (its id, the code).

    A code already taken is drawn again, longer after the second time; `NoCodeLeft` in the end. Any
    other broken constraint is raised as it is.
    """
    for tried in range(TRIES):
        code = draw(prefix, _SHORT if tried < 2 else _LONG)
        try:
            with savepoint(db):
                row = table.insert().values(code=code, **values).returning(table.c.id)
                return int(db.execute(row).scalar_one()), code
        except IntegrityError:
            if db.scalar(select(table.c.id).where(table.c.code == code)) is None:
                raise
    raise NoCodeLeft(prefix)


def read_short_code(text: str, prefix: str) -> str | None:
    """Return the code if `text` is one with this prefix, however it was typed (`bc 7k3m`); else None."""
    match = re.fullmatch(rf"{prefix.lower()}[ -]?({_LETTER}{{{_SHORT},{_LONG}}})", fold(text))
    return f"{prefix}-{match[1].upper()}" if match else None


def invitation_code() -> str:
    """Return a random code of 79 bits in groups: `7K3M-Q9RT-ABC2-DEFG`. It always holds a digit.

    The digit tells a code from sixteen letters of ordinary talk.
    """
    while True:
        letters = [secrets.choice(ALPHABET) for _ in range(_GROUPS * _GROUP_LETTERS)]
        if any(letter.isdigit() for letter in letters):
            groups = range(0, len(letters), _GROUP_LETTERS)
            return "-".join("".join(letters[at : at + _GROUP_LETTERS]) for at in groups)


def read_invitation_code(text: str) -> str | None:
    """Return the code if `text` is one, however it was typed; None for anything else."""
    folded = fold(text)
    if not _INVITATION.fullmatch(folded) or not any(letter.isdigit() for letter in folded):
        return None
    letters = folded.replace("-", "").replace(" ", "").upper()
    groups = range(0, len(letters), _GROUP_LETTERS)
    return "-".join(letters[at : at + _GROUP_LETTERS] for at in groups)


def code_digest(code: str) -> bytes:
    """Return what is stored of an invitation code: SHA-256 suffices, for the code is random and long."""
    return hashlib.sha256(code.encode()).digest()

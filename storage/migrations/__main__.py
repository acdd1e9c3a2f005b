"""Write a new step from the difference between the tables in `storage/schema.py` and the steps so far."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from alembic import command
from alembic.script import ScriptDirectory

from storage.migrations import alembic_config, upgrade
from storage.sqlite import sqlite_engine


def main() -> None:
    """Make `versions/<number>_<words>.py` from the words given on the command line."""
    words = " ".join(sys.argv[1:])
    if not words:
        sys.exit('usage: python -m storage.migrations "what changes"')
    steps = list(ScriptDirectory.from_config(alembic_config()).walk_revisions())
    with tempfile.TemporaryDirectory() as folder:
        engine = sqlite_engine(Path(folder) / "before.db")
        with engine.connect() as connection:
            upgrade(connection)
            number = f"{len(steps) + 1:04}"
            command.revision(alembic_config(connection), words, autogenerate=True, rev_id=number)
        engine.dispose()


if __name__ == "__main__":
    main()

"""Back up, restore and verify: the database, the files in the data folder, and whether each is what it should be.

A backup is one file sealed with the key file's keys. The key file is not in it: whoever has only the backup, or
only the key, has nothing.
"""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import tarfile
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path, PurePosixPath
from typing import IO, Any, cast

from bot.config import Config, Wrong
from bot.start import files_of
from dialogue.messages import Say
from storage import audit_chain, installation, integrity, opening
from storage.integrity import copy_database
from storage.opening import BACKUP_SUFFIX, Files, Refused
from storage.sealed_files import CannotUnseal, SealedReader, SealingWriter
from storage.sealing import Keys, load_key_file

FORMAT = "lantoa-backup-1"
MANIFEST = "manifest.json"
DATABASE = "lantoa.db"
FILES = PurePosixPath("files")
UNFINISHED, PART = "lantoa-", ".part"
KEPT_DAYS = 35
MOST_MANIFEST_BYTES = 256 * 1024 * 1024
"""Room for the names of a few million files."""


@dataclass(frozen=True, slots=True)
class Summary:
    """What a backup holds. `made_at` is aware; the database counts as a file."""

    made_at: datetime
    kind: str
    files: int
    size_bytes: int


def make_backup(config: Config, *, now: datetime) -> tuple[Path, Summary]:
    """Write a backup beside the running program and return its path; older ones than 35 days are deleted.

    Raises `Refused` and `KeyFileWrong` as at a start, and `OSError`.
    """
    files = _with_a_file(config)
    with opening.beside(files.database) as db:
        kind = installation.get(db).kind
    keys = load_key_file(files.key_file)
    files.backups.mkdir(parents=True, exist_ok=True)
    path = files.backups / f"lantoa-{now.astimezone(UTC):%Y%m%dT%H%M%SZ}{BACKUP_SUFFIX}"
    with _part_folder(files.backups) as part:
        copy_database(files.path, part / DATABASE)
        sealed = part / "sealed"
        with SealingWriter(sealed, keys) as writer:
            summary = _write(writer, part / DATABASE, config, Summary(now, kind, 0, 0))
        opening.put_in_place(sealed, path)
    _age_out(files.backups, now)
    return path, summary


def _with_a_file(config: Config) -> Files:
    files = files_of(config)
    if not isinstance(files.database, Path):
        # A server has its own ways, which go on while this would copy (docs/operations.md).
        raise Wrong(Say("backup.server"))
    return files


def _write(writer: SealingWriter, database: Path, config: Config, summary: Summary) -> Summary:
    contents: dict[str, dict[str, Any]] = {}
    with tarfile.open(fileobj=cast(IO[bytes], writer), mode="w|") as tar:
        contents[DATABASE] = _add(tar, DATABASE, database)
        for path in _data_files(config):
            name = str(FILES / path.relative_to(config.data.folder).as_posix())
            with suppress(FileNotFoundError):  # erased since the folder was read
                contents[name] = _add(tar, name, path)
        manifest = {
            "format": FORMAT,
            "program": version("lantoa"),
            "made_at": summary.made_at.astimezone(UTC).isoformat(),
            "kind": summary.kind,
            "contents": contents,
        }
        text = json.dumps(manifest, ensure_ascii=False).encode()
        entry = tarfile.TarInfo(MANIFEST)
        entry.size = len(text)
        tar.addfile(entry, io.BytesIO(text))
    return _summary(manifest)


def _add(tar: tarfile.TarFile, name: str, path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        entry = tarfile.TarInfo(name)
        entry.size = path.stat().st_size
        hashing = _Hashing(file)
        tar.addfile(entry, hashing)
    return {"size": entry.size, "sha256": hashing.hexdigest()}


class _Hashing(io.RawIOBase):
    """Passes on what it reads and knows its SHA-256."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._digest = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        content = self._file.read(size)
        self._digest.update(content)
        return content

    def hexdigest(self) -> str:
        return self._digest.hexdigest()


def _data_files(config: Config) -> Iterator[Path]:
    """Yield what lies in the data folder besides the database, its key, its backups and unfinished work."""
    files = files_of(config)
    database = files.database if isinstance(files.database, Path) else None
    suffixes = ("", "-wal", "-shm", "-journal", ".lock", ".new")
    own = {database.with_name(database.name + suffix) for suffix in suffixes} if database is not None else set()
    for path in sorted(config.data.folder.rglob("*")):
        inside = path.relative_to(config.data.folder).parts
        if not path.is_file() or path.is_symlink() or files.backups in path.parents:
            continue
        if path == files.key_file or path in own:
            continue
        if not any(part.startswith(".") or part.endswith((PART, ".new")) for part in inside):
            yield path


def _age_out(backups: Path, now: datetime) -> None:
    """Delete backups older than 35 days: who asked to be erased must not live on in them."""
    oldest = (now - timedelta(days=KEPT_DAYS)).timestamp()
    for path in backups.glob(f"lantoa-*{BACKUP_SUFFIX}"):
        if path.stat().st_mtime < oldest:
            path.unlink(missing_ok=True)


def check_backup(config: Config, backup: Path) -> Summary:
    """Read a backup to its end in a place of its own, examine what is in it, and return what it holds.

    Raises `Wrong` if anything is not as it was written.
    """
    with _part_folder(config.data.backups) as part:
        return _unpack(backup, part, load_key_file(config.data.key_file))


def restore(config: Config, backup: Path) -> Summary:
    """Put a backup in place where there is no database, with all sending on hold, and return what it held.

    Everything is read and examined first; the database gets its name last. Raises `Wrong`, `Refused` (occupied,
    in_use, newer) or `KeyFileWrong`, and then nothing was put in place but perhaps files of the data folder.
    """
    files = _with_a_file(config)
    keys = load_key_file(files.key_file)
    with opening.take_lock(files.database), _part_folder(config.data.folder) as part:
        if opening.is_occupied(files):
            raise Refused("occupied", files.database)
        summary = _unpack(backup, part, keys)
        with opening.beside(part / DATABASE, older_too=True) as db:
            installation.set_hold(db, True)
        for path in sorted((part / FILES).rglob("*")):
            if path.is_file():
                opening.put_in_place(path, config.data.folder / path.relative_to(part / FILES))
        opening.put_in_place(part / DATABASE, files.path)
    return summary


def _unpack(backup: Path, into: Path, keys: Keys) -> Summary:
    try:
        with backup.open("rb") as file, tarfile.open(fileobj=SealedReader(file, keys), mode="r|") as tar:
            found, manifest = _extract(tar, into)
    except (CannotUnseal, tarfile.TarError, ValueError) as error:
        raise Wrong(Say("backup.unreadable", {"file": str(backup)})) from error
    if manifest.get("format") != FORMAT or manifest.get("contents") != found:
        raise Wrong(Say("backup.incomplete", {"file": str(backup)}))
    with opening.beside(into / DATABASE, older_too=True) as db:
        findings = integrity.examine(db)
    if findings:
        raise Wrong(*(Say("verify.database", {"where": each.where}) for each in findings))
    return _summary(manifest)


def _extract(tar: tarfile.TarFile, into: Path) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Return name → size and SHA-256 of what was written to `into`, and the manifest."""
    found: dict[str, Any] = {}
    manifest: Mapping[str, Any] = {}
    for entry in tar:
        content = tar.extractfile(entry) if entry.isreg() else None
        if content is None or not _is_safe(entry.name):
            raise ValueError(entry.name)
        if entry.name == MANIFEST:
            manifest = json.loads(content.read(MOST_MANIFEST_BYTES))
            continue
        target = into / entry.name
        target.parent.mkdir(parents=True, exist_ok=True)
        hashing = _Hashing(content)
        with target.open("xb") as file:
            shutil.copyfileobj(hashing, file)
        found[entry.name] = {"size": entry.size, "sha256": hashing.hexdigest()}
    return found, manifest


def _is_safe(name: str) -> bool:
    path = PurePosixPath(name)
    return name in {MANIFEST, DATABASE} or (path.parts[:1] == FILES.parts and ".." not in path.parts)


def _summary(manifest: Mapping[str, Any]) -> Summary:
    contents = manifest["contents"].values()
    made_at = datetime.fromisoformat(manifest["made_at"])
    return Summary(made_at, manifest["kind"], len(contents), sum(each["size"] for each in contents))


@contextmanager
def _part_folder(parent: Path) -> Iterator[Path]:
    """Yield a folder for unfinished work, gone afterwards; what a killed run left behind goes after a day."""
    parent.mkdir(parents=True, exist_ok=True)
    yesterday = time.time() - 24 * 3600
    for left in parent.glob(f"{UNFINISHED}*{PART}"):
        if left.stat().st_mtime < yesterday:
            shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=UNFINISHED, suffix=PART, dir=parent) as folder:
        yield Path(folder)


def verify(config: Config) -> list[Say]:
    """Return everything wrong with database, audit trail and files; empty if all is well. Safe while running."""
    files = files_of(config)
    keys = load_key_file(files.key_file)
    with opening.beside(files.database, writing=False) as db:
        findings = integrity.examine(db)
        wanted = integrity.wanted_files(db)
        broken = audit_chain.broken_at(db, keys.digest)
    wrong = [Say("verify.database", {"where": each.where}) for each in findings]
    if broken is not None:
        wrong.append(Say("verify.audit", {"row": broken}))
    there = {path.stem: path for path in _data_files(config)}
    for each in wanted:
        path = there.get(each.name)
        where = {"attachment": each.attachment_id}
        if path is None:
            wrong.append(Say("verify.file_missing", where))
        elif each.is_digest and _digest(path) != each.name:
            wrong.append(Say("verify.file_changed", where))
    return wrong


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

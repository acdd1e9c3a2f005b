"""Keep the bytes of a file somebody sent, under its SHA-256 name, before its message is acknowledged."""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
from datetime import datetime
from pathlib import Path

from dialogue.messages import Attachment
from storage.database import NotKept as NotKept

MAX_BYTES = 12 * 1024 * 1024
NAME_FORM = re.compile(r"[0-9a-f]{64}")

_SIGNATURES = ((b"\xff\xd8\xff", "image/jpeg"), (b"\x89PNG\r\n\x1a\n", "image/png"))


class NotAPhoto(ValueError):
    """The bytes are not those of a JPEG, PNG or WebP picture."""


class PhotoTooLarge(ValueError):
    """The file is larger than 12 MiB."""


async def keep(folder: Path, content: bytes, *, name: str | None = None) -> Attachment:
    """Write `content` to `folder` and to the disk itself, and return what it is.

    It lies there under its SHA-256, or under `name`, which has the form of one and was made by us. Raises
    `NotAPhoto` or `PhotoTooLarge` by a look at its first bytes, `NotKept` if the disk does not take it; whether
    it can be decoded is found out later, in the helper process.
    """
    if len(content) > MAX_BYTES:
        raise PhotoTooLarge
    media_type = _media_type(content)
    if name is not None and not NAME_FORM.fullmatch(name):
        raise ValueError("a name that is not ours")
    chosen = name or hashlib.sha256(content).hexdigest()
    try:
        await asyncio.to_thread(_write_durably, folder / chosen, content)
    except OSError as error:
        raise NotKept from error
    return Attachment(chosen, media_type, len(content))


def old_ones(folder: Path, *, before: datetime) -> list[Path]:
    """Return the files that were written before an instant, unfinished ones too."""
    if not folder.is_dir():
        return []
    return [path for path in folder.iterdir() if path.is_file() and path.stat().st_mtime < before.timestamp()]


def _media_type(content: bytes) -> str:
    for signature, media_type in _SIGNATURES:
        if content.startswith(signature):
            return media_type
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    raise NotAPhoto


def _write_durably(path: Path, content: bytes) -> None:
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f"{path.name}.{os.getpid()}.{id(content)}.part")
    try:
        with unfinished.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    except BaseException:
        # Half a photo must not stay on a disk that is full.
        unfinished.unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)

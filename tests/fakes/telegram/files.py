"""Keep files under ids that hold for one bot, and serve them by a path."""

from __future__ import annotations

import io
import secrets
from dataclasses import dataclass
from typing import Any

from PIL import Image, UnidentifiedImageError

from tests.fakes.telegram.errors import bad_request

DOWNLOAD_LIMIT = 20 * 2**20
THUMBNAIL_PX = 90
PREFIXES = {"photo": "AgACAgUAAx", "document": "BQACAgUAAx", "voice": "AwACAgUAAx", "video": "BAACAgUAAx"}


@dataclass(frozen=True, slots=True)
class Kept:
    """A file. `size` is what Telegram says of it, which may be more than the bytes a test gave."""

    file_id: str
    unique_id: str
    bot_id: int
    kind: str
    path: str
    content: bytes
    size: int
    width: int = 0
    height: int = 0
    name: str = ""
    media_type: str = "application/octet-stream"

    def facts(self) -> dict[str, Any]:
        return {"file_id": self.file_id, "file_unique_id": self.unique_id, "file_size": self.size}

    def as_photo_size(self) -> dict[str, Any]:
        return {**self.facts(), "width": self.width, "height": self.height}

    def as_document(self) -> dict[str, Any]:
        return {**self.facts(), "file_name": self.name, "mime_type": self.media_type}


class Files:
    """All files of all bots."""

    def __init__(self) -> None:
        self._by_id: dict[str, Kept] = {}
        self._by_path: dict[tuple[int, str], Kept] = {}
        self._sizes: dict[str, list[Kept]] = {}

    def find(self, bot_id: int, file_id: str) -> Kept | None:
        """Return a file of this bot; other bots' ids are none."""
        kept = self._by_id.get(file_id)
        return kept if kept and kept.bot_id == bot_id else None

    def at(self, bot_id: int, path: str) -> Kept | None:
        return self._by_path.get((bot_id, path))

    def forget(self) -> None:
        """Make every id invalid."""
        self._by_id.clear()
        self._by_path.clear()
        self._sizes.clear()

    def keep(self, bot_id: int, kind: str, content: bytes, **facts: Any) -> Kept:
        """Keep bytes as a file of `kind`; `size` says how large it claims to be."""
        number = len(self._by_path) + 1
        name = facts.get("name") or f"file_{number}"
        ending = ".jpg" if kind == "photo" else ""
        kept = Kept(
            file_id=PREFIXES.get(kind, "BQACAgUAAx") + secrets.token_urlsafe(40),
            unique_id="AQAD" + secrets.token_urlsafe(9),
            bot_id=bot_id,
            kind=kind,
            path=f"{kind}s/file_{number}{ending}",
            content=content,
            size=int(facts.get("size") or len(content)),
            width=int(facts.get("width") or 0),
            height=int(facts.get("height") or 0),
            name=name,
            media_type=facts.get("media_type") or "application/octet-stream",
        )
        self._by_id[kept.file_id] = kept
        self._by_path[bot_id, kept.path] = kept
        return kept

    def keep_photo(self, bot_id: int, content: bytes, size: int | None = None) -> list[dict[str, Any]]:
        """Keep a photo as Telegram shows it: a thumbnail, then the photo; refuses what is no picture."""
        width, height = measured(content)
        small = max(1, THUMBNAIL_PX * width // max(width, height)), max(1, THUMBNAIL_PX * height // max(width, height))
        sizes = [
            self.keep(bot_id, "photo", thumbnail(content, small), width=small[0], height=small[1]),
            self.keep(bot_id, "photo", content, width=width, height=height, size=size),
        ]
        self._sizes.update({kept.file_id: sizes for kept in sizes})
        return [kept.as_photo_size() for kept in sizes]

    def photo_again(self, kept: Kept) -> list[dict[str, Any]]:
        """Return the sizes of a photo that is sent by its id."""
        return [size.as_photo_size() for size in self._sizes[kept.file_id]]


def measured(content: bytes) -> tuple[int, int]:
    try:
        with Image.open(io.BytesIO(content)) as image:
            return image.size
    except (UnidentifiedImageError, OSError, ValueError, Image.DecompressionBombError):
        raise bad_request("IMAGE_PROCESS_FAILED") from None


def thumbnail(content: bytes, size: tuple[int, int]) -> bytes:
    target = io.BytesIO()
    try:
        with Image.open(io.BytesIO(content)) as image:
            image.convert("RGB").resize(size).save(target, "JPEG")
    except (OSError, ValueError, Image.DecompressionBombError):
        return b""  # a broken picture has a readable head at most
    return target.getvalue()

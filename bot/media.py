"""Pictures on their way: photos people sent are written anew and kept; drawings are made when they are sent."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import structlog

from bot import received
from bot.channels.base import SentPicture
from bot.picture_contract import ChartRow, ChartSpec, Photo, PictureJobFailed, PictureRefused
from bot.pictures import PicturePool
from storage import attachments, remote_files
from storage.attachments import Kept, Received
from storage.database import Connection, Database

PAUSE_S = 1.0
BATCH = 8
TIDIED_S = 3600.0
UNUSED_KEPT = timedelta(days=2)
"""A photo sent where none was wanted, or with a report that was dropped, goes after this time."""

log = structlog.get_logger()
Tell = Callable[[Connection, int, str], None]
"""Tell a contact why her photo could not be kept: `tell(db, contact_id, wording key)`."""


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Media:
    """Keeps photos and draws pictures, one at a time, in the helper process of `pool`.

    `came_to` holds files as they came, `folder` what is safe to show. A file stays there until
    its safe copy is recorded.
    """

    def __init__(
        self,
        db: Database,
        pool: PicturePool,
        *,
        came_to: Path,
        folder: Path,
        tell: Tell,
        clock: Callable[[], datetime] = _utc_now,
    ) -> None:
        self._db = db
        self._clock = clock
        self._pool = pool
        self._received = came_to
        self._folder = folder
        self._tell = tell
        self._woken = asyncio.Event()
        self._stopping = False

    def wake(self) -> None:
        """Look for files now instead of at the next tick."""
        self._woken.set()

    async def run(self) -> None:
        """Keep files until stopped; once an hour throw away what nobody needs."""
        tidied_s = -TIDIED_S
        while not self._stopping:
            try:
                looked_at = await self.keep_waiting()
                if time.monotonic() - tidied_s >= TIDIED_S:
                    tidied_s = time.monotonic()
                    await self.tidy()
            except Exception:
                # One boundary for the loop: a full disk must not end the service.
                log.exception("photos_not_kept")
                looked_at = 0
            if not looked_at:
                self._woken.clear()
                try:
                    await asyncio.wait_for(self._woken.wait(), PAUSE_S)
                except TimeoutError:
                    continue

    def stop(self) -> None:
        """Return from `run` after the file in hand."""
        self._stopping = True
        self._woken.set()

    async def tidy(self) -> int:
        """Remove received files that lie there for two days and that nothing speaks of; return how many."""
        old = await asyncio.to_thread(received.old_ones, self._received, before=self._clock() - UNUSED_KEPT)
        names = {path.name for path in old}
        unneeded = await self._db.read(attachments.unneeded, names) if names else names
        for path in old:
            if path.name in unneeded:
                path.unlink(missing_ok=True)
        if unneeded:
            await self._db.write(remote_files.forget, unneeded)
        return len(unneeded)

    async def keep_waiting(self) -> int:
        """Make safe what waits; return how many files were looked at."""
        files = await self._db.read(attachments.waiting, most=BATCH)
        for file in files:
            if self._stopping:
                return 0
            await self._keep(file)
        return len(files)

    async def _keep(self, file: Received) -> None:
        if file.lost is not None or file.attempts >= attachments.TRIES:
            await self._db.write(self._refuse, file, file.lost or "picture.damaged")
            return
        # Counted before it begins: a file that takes the process down with it is known by its tries.
        await self._db.write(attachments.count_attempt, file.id)
        source = self._received / file.received_sha256
        try:
            photo = await self._pool.reencode(source, self._folder)
        except PictureRefused as refused:
            await self._db.write(self._refuse, file, refused.reason_key)
            source.unlink(missing_ok=True)
        except (PictureJobFailed, OSError) as error:
            log.warning("photo_not_kept", attachment_id=file.id, reason=type(error).__name__)
            if file.attempts + 1 >= attachments.TRIES:
                await self._db.write(self._refuse, file, "picture.damaged" if source.exists() else "picture.lost")
        else:
            kept = Kept(file.id, photo.sha256, photo.width, photo.height, photo.size_bytes)
            await self._db.write(attachments.keep, kept)
            source.unlink(missing_ok=True)

    def _refuse(self, db: Connection, file: Received, reason: str) -> None:
        if attachments.refuse(db, file.id, reason=reason):
            # Sent again, it is fetched again.
            remote_files.lose(db, [file.received_sha256], reason=reason)
            if file.contact_id is not None:
                self._tell(db, file.contact_id, reason)

    async def picture(self, wanted: Mapping[str, Any]) -> SentPicture | None:
        """Make or find the picture a reply asks for (`dialogue.messages.Picture`); None if it cannot be had."""
        spec = wanted["spec"]
        try:
            match wanted["kind"]:
                case "chart":
                    return self._made(await self._pool.draw_chart(_chart(spec), self._folder))
                case "qr":
                    return self._made(await self._pool.draw_qr(str(spec["text"]), self._folder))
                case "attachment":
                    return await self._kept(str(spec["sha256"]))
        except (PictureRefused, PictureJobFailed, OSError, TypeError, KeyError, ValueError) as error:
            log.warning("picture_not_made", kind=str(wanted["kind"]), reason=type(error).__name__)
        return None

    def _made(self, photo: Photo) -> SentPicture:
        return SentPicture(self._folder / photo.file_name, photo.width, photo.height)

    async def _kept(self, received_sha256: str) -> SentPicture | None:
        """The safe copy of a photo by the name it was received under; made now if the job has not come to it yet."""
        kept = await self._db.read(attachments.safe_copy, received_sha256)
        if kept is not None:
            return SentPicture(self._folder / f"{kept.sha256}.jpg", kept.width, kept.height)
        return self._made(await self._pool.reencode(self._received / received_sha256, self._folder))


def _chart(spec: Mapping[str, Any]) -> ChartSpec:
    rows = tuple(ChartRow(**row) for row in spec["rows"])
    return ChartSpec(**{**spec, "rows": rows})

"""Make and re-encode pictures, and write spreadsheets, in a helper process: a hostile or huge file hurts nothing else.

Nothing here decodes or draws: the libraries that do are loaded only in the helper (`bot/picture_jobs.py`).
"""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any, Self

import structlog

from bot.picture_contract import REASONS, ChartRow, ChartSpec, Photo, PictureJobFailed, PictureRefused
from bot.picture_helper import Helper, HelperDied

__all__ = ["ChartRow", "ChartSpec", "Photo", "PictureJobFailed", "PicturePool", "PictureRefused"]

log = structlog.get_logger()


class PicturePool:
    """Run picture jobs in turn in one helper process that starts when needed and rests when idle.

    Each job has `timeout_s` seconds and the helper `memory_bytes` of address space; one that takes more, or
    kills the helper, is refused and the next job gets a new helper. Leaving the `async with` ends the helper
    at once: a job still running raises `PictureJobFailed`. The helper sees none of our environment.
    """

    def __init__(
        self,
        *,
        timeout_s: float = 20.0,
        memory_bytes: int = 768 * 1024 * 1024,
        idle_s: float = 180.0,
        program: Sequence[str] = ("-m", "bot.picture_jobs"),
    ) -> None:
        self._timeout_s = timeout_s
        self._idle_s = idle_s
        self._command = (sys.executable, "-P", *program, str(memory_bytes), str(int(timeout_s) + 1))
        self._turn = asyncio.Lock()
        self._helper: Helper | None = None
        self._resting: asyncio.Task[None] | None = None
        self._closed = False

    async def __aenter__(self) -> Self:
        self._scratch = TemporaryDirectory(prefix="lantoa-pictures-")
        return self

    async def __aexit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._closed = True
        if self._helper:
            self._helper.kill()
        async with self._turn:
            await self._wake()
            await self._drop()
        self._scratch.cleanup()

    async def reencode(self, source: Path, target_folder: Path) -> Photo:
        """Write the photo anew as a small JPEG without metadata; `PictureRefused` if we do not take it."""
        return _photo(await self.run("reencode", str(source), str(target_folder)))

    async def draw_chart(self, spec: ChartSpec, target_folder: Path) -> Photo:
        """Draw a chart for a phone as a PNG, 800 pixels wide."""
        return _photo(await self.run("draw_chart", asdict(spec), str(target_folder)))

    async def draw_qr(self, text: str, target_folder: Path) -> Photo:
        """Draw a QR code of up to 500 bytes of text as a PNG."""
        return _photo(await self.run("draw_qr", text, str(target_folder)))

    async def write_sheet(self, rows: Path, target: Path) -> None:
        """Write a spreadsheet from a file of rows (`bot/sheets.py`)."""
        await self.run("write_sheet", str(rows), str(target))

    async def run(self, job: str, *args: object) -> dict[str, Any]:
        """Have the helper do the named job with JSON arguments, after those asked before; return its result.

        `PictureRefused` where the picture is at fault, `PictureJobFailed` where it is not. The wait for its
        turn does not count towards the job's time.
        """
        async with self._turn:
            await self._wake()
            try:
                answer = await self._ask([job, *args])
            except HelperDied as death:
                await self._drop()
                raise self._reason(job, death) from None
            except BaseException:
                # Cancelled or failed half-way: a late answer must not be read as the next job's.
                await self._drop()
                raise
            self._resting = asyncio.create_task(self._close_when_idle())
        return _result(job, answer)

    async def _ask(self, request: list[object]) -> dict[str, Any]:
        if self._helper:
            try:
                return await self._helper.ask(request, self._timeout_s)
            except HelperDied as death:
                if death.reason_key == "picture.too_slow":
                    raise
            # A helper that rested may have been killed for the machine's sake: one clean try.
            await self._drop()
        self._refuse_when_closed()
        self._helper = await Helper.start(self._command, Path(self._scratch.name))
        self._refuse_when_closed()
        return await self._helper.ask(request, self._timeout_s)

    def _refuse_when_closed(self) -> None:
        if self._closed:
            raise PictureJobFailed("the picture pool is closed")

    def _reason(self, job: str, death: HelperDied) -> Exception:
        if self._closed:
            return PictureJobFailed("the picture pool is closed")
        log.warning("picture_helper_lost", job=job, reason=death.reason_key)
        return PictureRefused(death.reason_key)

    async def _wake(self) -> None:
        if self._resting:
            self._resting.cancel()
            await asyncio.wait([self._resting])
            self._resting = None

    async def _close_when_idle(self) -> None:
        await asyncio.sleep(self._idle_s)
        await self._drop()

    async def _drop(self) -> None:
        helper, self._helper = self._helper, None
        if helper:
            await helper.end()


def _result(job: str, answer: Mapping[str, Any]) -> dict[str, Any]:
    """Return the result. The answer is checked throughout: a hostile file may have taken the helper over."""
    if str(answer.get("refused")) in REASONS:
        raise PictureRefused(str(answer["refused"]))
    result = answer.get("result")
    if isinstance(result, dict):
        return result
    error = str(answer.get("failed"))[:200]
    log.error("picture_job_failed", job=job, error=error)
    raise PictureJobFailed(error)


def _photo(result: Mapping[str, Any]) -> Photo:
    kinds = {field.name: type(result.get(field.name)).__name__ for field in fields(Photo)}
    named = re.fullmatch(r"[0-9a-f]{64}", str(result.get("sha256")))  # the name becomes a path
    if not named or kinds != {field.name: field.type for field in fields(Photo)}:
        raise PictureJobFailed("the picture helper described no picture")
    return Photo(**result)

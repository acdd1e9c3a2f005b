"""The helper process as seen from the program: start it, ask it one job, end it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bot.picture_contract import PictureJobFailed

START_TIMEOUT_S = 30.0

# How the helper ended, by the signal that ended it. SIGKILL from outside is nearly always the
# kernel out of memory; SIGXCPU is our own limit on computing time.
DEATHS = {int(signal.SIGXCPU): "picture.too_slow", int(signal.SIGKILL): "picture.too_large"}


class HelperDied(Exception):
    """The helper ended, was ended, or spoke nonsense during a job."""

    def __init__(self, reason_key: str) -> None:
        super().__init__(reason_key)
        self.reason_key = reason_key


class Helper:
    """The helper process. One JSON line in, one out; never pickle, since hostile files may take it over."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdin and process.stdout
        self._process, self._requests, self._answers = process, process.stdin, process.stdout

    @classmethod
    async def start(cls, command: Sequence[str], scratch: Path) -> Helper:
        """Start it and wait until it says so; `PictureJobFailed` if it does not."""
        # Its own session: Ctrl-C in the terminal is for us to handle, not for it.
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env=_environment(scratch),
            cwd=scratch,
            start_new_session=True,
        )
        helper = cls(process)
        try:
            await helper._read(START_TIMEOUT_S)
        except HelperDied as death:
            await helper.end()
            raise PictureJobFailed("the picture helper does not start") from death
        except BaseException:
            await helper.end()
            raise
        return helper

    async def ask(self, request: list[object], timeout_s: float) -> dict[str, Any]:
        """Send one job and return the answer; `HelperDied` when there is none in time."""
        try:
            self._requests.write(json.dumps(request).encode() + b"\n")
            await self._requests.drain()
        except ConnectionError:
            raise HelperDied("picture.damaged") from None
        return await self._read(timeout_s)

    async def _read(self, timeout_s: float) -> dict[str, Any]:
        try:
            async with asyncio.timeout(timeout_s):
                line = await self._answers.readline()
                if not line:
                    raise HelperDied(DEATHS.get(-await self._process.wait(), "picture.damaged"))
            answer = json.loads(line)
        except TimeoutError:
            raise HelperDied("picture.too_slow") from None
        except ValueError:
            raise HelperDied("picture.damaged") from None
        if not isinstance(answer, dict):
            raise HelperDied("picture.damaged")
        return answer

    def kill(self) -> None:
        """End it at once; it holds nothing that needs saving."""
        if self._process.returncode is None:
            self._process.kill()

    async def end(self) -> None:
        """End it and wait until it is gone."""
        self.kill()
        await self._process.wait()
        self._requests.close()


def _environment(scratch: Path) -> dict[str, str]:
    # Named one by one: our own environment holds tokens. Threads are off because each reserves
    # address space, which is what is limited.
    return {
        "PATH": os.defpath,
        "PYTHONPATH": str(Path(__file__).resolve().parents[1]),
        "PYTHONUTF8": "1",
        "HOME": str(scratch),
        "TMPDIR": str(scratch),
        "MPLCONFIGDIR": str(scratch),
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
    }

"""A picture helper whose jobs misbehave, run by the tests in place of the real one."""

from __future__ import annotations

import os
import signal
import sys
from dataclasses import dataclass
from pathlib import Path

from bot.picture_contract import Photo, PictureRefused
from bot.picture_jobs import Job, serve


@dataclass(frozen=True)
class Seen:
    """What a job saw of its process."""

    pid: int
    environment: list[str]
    niceness: int
    first_to_go: str


def look() -> Seen:
    return Seen(os.getpid(), sorted(os.environ), os.nice(0), Path("/proc/self/oom_score_adj").read_text().strip())


def hang() -> Seen:
    while True:
        signal.pause()


def wait_for(gate: str) -> Seen:
    Path(gate).read_text()  # a named pipe: waits until somebody writes
    return look()


def hang_telling(pipe: str) -> Seen:
    Path(pipe).write_text(str(os.getpid()))
    return hang()


def burn() -> Seen:
    while True:
        pass


def take_memory() -> Seen:
    bytearray(1 << 40)
    return look()


def end_by(number: int) -> Seen:
    os.kill(os.getpid(), number)
    return hang()


def leave() -> Seen:
    os._exit(0)


def chatter() -> Seen:
    print("a library prints")
    os.write(1, b"and another one writes\n")
    return look()


def make_a_mistake() -> Seen:
    raise LookupError("0912345678")


def climb(_source: str, _folder: str) -> Photo:
    return Photo("../../etc/passwd", 1, 1, 1, "image/jpeg")


def refuse_strangely() -> Seen:
    raise PictureRefused("register.name")


def no_picture(_text: str, _folder: str) -> Seen:
    return look()


JOBS: dict[str, Job] = {
    "look": look,
    "hang": hang,
    "wait_for": wait_for,
    "hang_telling": hang_telling,
    "burn": burn,
    "take_memory": take_memory,
    "end_by": end_by,
    "leave": leave,
    "chatter": chatter,
    "make_a_mistake": make_a_mistake,
    "refuse_strangely": refuse_strangely,
    "reencode": climb,
    "draw_qr": no_picture,
}

if __name__ == "__main__":
    serve(JOBS, memory_bytes=int(sys.argv[1]), cpu_s=1)

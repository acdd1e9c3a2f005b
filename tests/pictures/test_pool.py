"""The pool outlives every way in which a job can go wrong."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bot.pictures import PictureJobFailed, PicturePool, PictureRefused

HOSTILE = (str(Path(__file__).with_name("hostile_helper.py")),)
ROOT = Path(__file__).resolve().parents[2]


def hostile_pool(*, timeout_s: float = 20.0, idle_s: float = 180.0) -> PicturePool:
    return PicturePool(timeout_s=timeout_s, idle_s=idle_s, program=HOSTILE)


async def pid_of(pool: PicturePool) -> int:
    return int((await pool.run("look"))["pid"])


async def gone(pid: int) -> None:
    """Return when the process has ended."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    ended, loop = asyncio.Event(), asyncio.get_running_loop()
    loop.add_reader(handle, ended.set)
    try:
        async with asyncio.timeout(30):
            await ended.wait()
    finally:
        loop.remove_reader(handle)
        os.close(handle)


@pytest.fixture
def pipe(tmp_path: Path) -> Path:
    os.mkfifo(tmp_path / "pipe")
    return tmp_path / "pipe"


async def test_one_helper_does_one_job_after_the_other() -> None:
    async with hostile_pool() as pool:
        assert len({await pid_of(pool) for _ in range(3)}) == 1


async def test_a_job_that_hangs_is_ended_and_the_next_one_gets_a_new_helper() -> None:
    async with hostile_pool(timeout_s=0.3) as pool:
        first = await pid_of(pool)
        with pytest.raises(PictureRefused, match=r"picture\.too_slow"):
            await pool.run("hang")
        await gone(first)
        assert await pid_of(pool) != first


async def test_a_job_that_only_computes_is_ended_by_the_limit_on_computing_time() -> None:
    async with asyncio.timeout(30), hostile_pool(timeout_s=3_600) as pool:
        with pytest.raises(PictureRefused, match=r"picture\.too_slow"):
            await pool.run("burn")
        await pool.run("look")


async def test_a_job_that_wants_too_much_memory_is_refused() -> None:
    async with hostile_pool() as pool:
        with pytest.raises(PictureRefused, match=r"picture\.too_large"):
            await pool.run("take_memory")
        await pool.run("look")


@pytest.mark.parametrize(
    ("number", "reason"),
    [(signal.SIGKILL, "picture.too_large"), (signal.SIGSEGV, "picture.damaged")],
)
@pytest.mark.parametrize("used_before", [False, True])
async def test_a_job_that_kills_its_helper_is_refused(number: int, reason: str, used_before: bool) -> None:
    async with hostile_pool() as pool:
        if used_before:
            await pool.run("look")
        with pytest.raises(PictureRefused, match=reason):
            await pool.run("end_by", int(number))
        await pool.run("look")


async def test_a_helper_that_leaves_in_the_middle_is_replaced() -> None:
    async with hostile_pool() as pool:
        with pytest.raises(PictureRefused, match=r"picture\.damaged"):
            await pool.run("leave")
        await pool.run("look")


async def test_a_helper_killed_from_outside_in_the_middle_of_a_job_is_replaced(pipe: Path) -> None:
    async with hostile_pool() as pool:
        job = asyncio.create_task(pool.run("hang_telling", str(pipe)))
        os.kill(int(await asyncio.to_thread(pipe.read_text)), signal.SIGKILL)
        with pytest.raises(PictureRefused):
            await job
        await pool.run("look")


async def test_a_helper_killed_while_resting_costs_nobody_a_picture() -> None:
    async with hostile_pool() as pool:
        first = await pid_of(pool)
        os.kill(first, signal.SIGKILL)
        assert await pid_of(pool) != first


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_stop_sent_to_the_whole_service_costs_nobody_a_picture(number: int, pipe: Path) -> None:
    async with hostile_pool() as pool:
        pid = await pid_of(pool)
        job = asyncio.create_task(pool.run("wait_for", str(pipe)))
        os.kill(pid, number)
        await asyncio.to_thread(pipe.write_text, "go on")
        assert (await job)["pid"] == pid


async def test_other_work_goes_on_while_a_job_runs(pipe: Path) -> None:
    async with hostile_pool() as pool:
        job = asyncio.create_task(pool.run("wait_for", str(pipe)))
        # The job ends only because this line runs meanwhile.
        await asyncio.to_thread(pipe.write_text, "go on")
        assert (await job)["pid"]


async def test_an_asker_who_gives_up_does_not_get_her_answer_read_by_the_next(pipe: Path) -> None:
    async with hostile_pool() as pool:
        job = asyncio.create_task(pool.run("hang_telling", str(pipe)))
        first = int(await asyncio.to_thread(pipe.read_text))
        job.cancel()
        with pytest.raises(asyncio.CancelledError):
            await job
        assert await pid_of(pool) != first


async def test_an_idle_helper_is_closed_and_a_new_one_started_when_needed() -> None:
    async with hostile_pool(idle_s=0) as pool:
        first = await pid_of(pool)
        await gone(first)
        assert await pid_of(pool) != first


async def test_leaving_the_pool_ends_the_job_in_hand_and_those_waiting(pipe: Path) -> None:
    async with hostile_pool() as pool:
        jobs = [asyncio.create_task(pool.run("hang_telling", str(pipe))) for _ in range(2)]
        pid = int(await asyncio.to_thread(pipe.read_text))
    outcomes = await asyncio.gather(*jobs, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [PictureJobFailed, PictureJobFailed]
    await gone(pid)


async def test_a_closed_pool_takes_no_job() -> None:
    async with hostile_pool() as pool:
        pass
    with pytest.raises(PictureJobFailed):
        await pool.run("look")


async def test_what_a_library_prints_does_not_mix_with_the_answers() -> None:
    async with hostile_pool() as pool:
        assert (await pool.run("chatter"))["pid"] == await pid_of(pool)


async def test_a_mistake_of_ours_is_no_refusal_and_its_text_stays_in_the_helper() -> None:
    async with hostile_pool() as pool:
        with pytest.raises(PictureJobFailed, match=r"^LookupError at hostile_helper\.py:\d+$"):
            await pool.run("make_a_mistake")
        await pool.run("look")


async def test_an_answer_that_is_not_as_agreed_is_not_believed(tmp_path: Path) -> None:
    async with hostile_pool() as pool:
        with pytest.raises(PictureJobFailed):
            await pool.reencode(tmp_path / "photo", tmp_path)  # a name that climbs out of the folder
        with pytest.raises(PictureJobFailed):
            await pool.draw_qr("text", tmp_path)  # no picture at all
        with pytest.raises(PictureJobFailed):
            await pool.run("refuse_strangely")


async def test_a_helper_that_cannot_start_is_no_fault_of_the_picture() -> None:
    async with PicturePool(program=("-c", "raise SystemExit(1)")) as pool:
        with pytest.raises(PictureJobFailed):
            await pool.run("look")


async def test_the_helper_sees_no_secret_and_gives_way_to_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANTOA_CHANNELS__TELEGRAM__TOKEN", "secret")
    async with hostile_pool() as pool:
        seen = await pool.run("look")
    assert not [name for name in seen["environment"] if name.startswith("LANTOA")]
    assert seen["niceness"] >= 10
    assert seen["first_to_go"] == "1000"


async def test_the_helper_ends_when_the_program_is_killed(tmp_path: Path) -> None:
    program = f"""
import asyncio, sys
from bot.pictures import PicturePool
async def main():
    async with PicturePool(program={HOSTILE!r}) as pool:
        print((await pool.run("look"))["pid"], flush=True)
        await asyncio.Event().wait()
asyncio.run(main())
"""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", program),
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout
    pid = int(await process.stdout.readline())
    process.kill()
    await process.wait()
    await gone(pid)


def test_the_program_itself_loads_no_picture_library() -> None:
    program = "import sys, bot.pictures; print({'PIL', 'matplotlib', 'numpy', 'segno'} & set(sys.modules))"
    run = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "set()"


async def test_twenty_askers_at_once_each_get_their_own_answer(
    tmp_path: Path, jpeg_of: Callable[[int, int], bytes]
) -> None:
    sources = [tmp_path / f"{width}.jpg" for width in range(40, 60)]
    for width, source in enumerate(sources, start=40):
        source.write_bytes(jpeg_of(width, 30))
    (tmp_path / "kept").mkdir()
    async with PicturePool() as pool:
        photos = await asyncio.gather(*(pool.reencode(source, tmp_path / "kept") for source in sources))
    assert [photo.width for photo in photos] == list(range(40, 60))
    assert {photo.file_name for photo in photos} == {file.name for file in (tmp_path / "kept").iterdir()}

"""Photos that lie with a platform still: fetched, tried again, given up kindly; what nobody needs is thrown away."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import select

from bot.channels.base import Channel, ChannelDown, NotSent, Outgoing, Refused, TooManyRequests, Unclear
from bot.fetching import AGAIN_AFTER, AT_ONCE, HELD, Fetcher
from bot.intake import Intake
from bot.media import Media
from bot.pictures import PicturePool
from dialogue.messages import Capabilities
from storage import attachments, contacts, integrity, remote_files, sessions
from storage.database import Connection, Database
from storage.schema import attachment, remote_file
from storage.sessions import Session, Talk
from storage.sites import Place, database_at
from tests.tables import kind as kind

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
NAME, OTHER = "a" * 64, "b" * 64


class Platform(Channel):
    """Holds files; each `fetch` takes the next of `answers`, bytes or an error, the last one for ever."""

    name = "paper"
    capabilities = Capabilities(buttons=True, pictures=True, text_limit=4000)

    def __init__(self, *answers: bytes | Exception) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []
        self.open = asyncio.Event()
        self.open.set()

    async def send(self, message: Outgoing) -> str:
        raise AssertionError("nothing is sent here")

    async def fetch(self, reference: str) -> bytes:
        self.asked.append(reference)
        await self.open.wait()
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


@dataclass
class Desk:
    """A platform, a fetcher and the keeper of photos, with a clock set by hand."""

    db: Database
    platform: Platform
    came_to: Path
    media: Media
    now: datetime = NOW
    told: list[str] = field(default_factory=list)
    fetcher: Fetcher = field(init=False)
    intake: Intake = field(init=False)

    def __post_init__(self) -> None:
        channels = {"paper": self.platform}
        self.fetcher = Fetcher(self.db, channels, self.came_to, clock=lambda: self.now, on_settled=self.media.wake)
        self.intake = Intake(self.db, "first", "vi", lambda: self.now, lambda _channel, _s: None, self.fetcher.wake)

    async def comes(self, name: str = NAME, *, key: str = "1", reference: str = "file 1") -> None:
        """A message with a photo comes in."""
        photo = {"sha256": name, "media_type": "image/jpeg", "size_bytes": 1000}
        body = {"attachments": [photo], "files": [{"name": name, "reference": reference}]}
        await self.intake.accept("paper", "an", key, body)

    async def is_used(self, name: str = NAME) -> int:
        """The photo goes with a report; return its id."""

        def use(db: Connection) -> int:
            an = contacts.find_address(db, "paper", "an")
            assert an is not None
            return attachments.receive(db, [name], contact_id=an.contact_id, at=self.now)[0]

        return await self.db.write(use)

    async def state(self, name: str = NAME) -> tuple[str, int]:
        """What became of the file, and how often it was tried."""
        query = select(remote_file.c.state, remote_file.c.tries).where(remote_file.c.name == name)
        return await self.db.read(lambda db: tuple[Any, ...](db.execute(query).one()))

    async def photo(self, attachment_id: int) -> tuple[str, int]:
        """The state of an attachment and how often it was tried."""
        query = select(attachment.c.state, attachment.c.attempts).where(attachment.c.id == attachment_id)
        return await self.db.read(lambda db: tuple[Any, ...](db.execute(query).one()))


@pytest_asyncio.fixture(loop_scope="module")
async def db(place: Place) -> AsyncIterator[Database]:
    database = database_at(place)
    yield database
    await database.close()


@pytest.fixture
def desk_with(db: Database, pool: PicturePool, tmp_path: Path, kept: Path) -> Callable[..., Desk]:
    def make(*answers: bytes | Exception) -> Desk:
        desks: list[Desk] = []

        def tell(_db: Connection, _contact_id: int, reason: str) -> None:
            desks[0].told.append(reason)

        came_to = tmp_path / "received"
        media = Media(db, pool, came_to=came_to, folder=kept, tell=tell, clock=lambda: desks[0].now)
        desks.append(Desk(db, Platform(*answers), came_to, media))
        return desks[0]

    return make


Make = Callable[..., Desk]
Jpeg = Callable[[int, int], bytes]


@pytest.mark.asyncio(loop_scope="module")
class TestFetching:
    async def test_a_photo_is_fetched_kept_under_its_name_and_made_safe(self, desk_with: Make, jpeg_of: Jpeg) -> None:
        desk = desk_with(jpeg_of(80, 60))
        await desk.comes()
        photo = await desk.is_used()
        assert await desk.media.keep_waiting() == 0, "what is not here yet is neither tried nor counted"
        assert await desk.photo(photo) == ("received", 0)
        assert not await desk.db.read(attachments.is_settled, photo)
        assert await desk.db.read(integrity.wanted_files) == []
        assert await desk.fetcher.fetch_next()
        assert desk.platform.asked == ["file 1"]
        assert (desk.came_to / NAME).read_bytes() == jpeg_of(80, 60)
        (wanted,) = await desk.db.read(integrity.wanted_files)
        assert (wanted.name, wanted.is_digest) == (NAME, False)
        await desk.media.keep_waiting()
        assert await desk.photo(photo) == ("kept", 1)
        assert await desk.db.read(attachments.is_settled, photo)
        assert desk.told == []
        assert not await desk.fetcher.fetch_next()

    async def test_the_same_message_or_photo_again_is_fetched_once(self, desk_with: Make, jpeg_of: Jpeg) -> None:
        desk = desk_with(jpeg_of(80, 60))
        for key in ("1", "1", "2"):
            await desk.comes(key=key)
        while await desk.fetcher.fetch_next():
            pass
        assert len(desk.platform.asked) == 1

    async def test_a_platform_that_is_away_is_asked_again_ever_later_and_then_given_up_kindly(
        self, desk_with: Make
    ) -> None:
        desk = desk_with(NotSent("connect"), Unclear("lost"), OSError("reset"), NotSent("connect"))
        await desk.comes()
        photo = await desk.is_used()
        for number, wait in enumerate(AGAIN_AFTER, 1):
            assert await desk.fetcher.fetch_next()
            assert await desk.state() == ("waiting", number)
            desk.now += wait - timedelta(seconds=1)
            assert not await desk.fetcher.fetch_next(), "not before its time"
            desk.now += timedelta(seconds=1)
        assert await desk.fetcher.fetch_next()
        assert (await desk.state())[0] == "lost"
        await desk.media.keep_waiting()
        assert desk.told == ["picture.lost"]
        assert (await desk.photo(photo))[0] == "refused"
        assert await desk.db.read(attachments.is_settled, photo)

    @pytest.mark.parametrize(
        ("answer", "reason"),
        [
            (Refused("gone"), "picture.lost"),
            (b"%PDF-1.7 no photo", "picture.not_a_picture"),
            (b"\xff\xd8\xff" + bytes(12 * 1024 * 1024), "picture.too_large"),
        ],
    )
    async def test_what_cannot_be_had_is_lost_at_once_and_she_is_told(
        self, desk_with: Make, answer: bytes | Exception, reason: str
    ) -> None:
        desk = desk_with(answer)
        await desk.comes()
        await desk.is_used()
        await desk.fetcher.fetch_next()
        assert (await desk.state())[0] == "lost"
        await desk.media.keep_waiting()
        assert desk.told == [reason]
        assert list(desk.came_to.glob("*")) == []

    async def test_a_photo_used_after_it_was_lost_is_told_of_too(self, desk_with: Make) -> None:
        desk = desk_with(Refused("gone"))
        await desk.comes()
        await desk.fetcher.fetch_next()
        await desk.media.keep_waiting()
        assert desk.told == []
        await desk.is_used()
        await desk.media.keep_waiting()
        assert desk.told == ["picture.lost"]

    async def test_a_lost_photo_sent_again_is_looked_for_again(self, desk_with: Make, jpeg_of: Jpeg) -> None:
        desk = desk_with(Refused("gone"), jpeg_of(80, 60))
        await desk.comes()
        await desk.fetcher.fetch_next()
        await desk.comes(key="2", reference="file 2")
        photo = await desk.is_used()
        await desk.fetcher.fetch_next()
        await desk.media.keep_waiting()
        assert (await desk.photo(photo))[0] == "kept"
        assert desk.platform.asked == ["file 1", "file 2"]

    async def test_a_damaged_photo_sent_again_is_fetched_again(self, desk_with: Make, jpeg_of: Jpeg) -> None:
        desk = desk_with(jpeg_of(80, 60)[:400], jpeg_of(80, 60))
        await desk.comes()
        await desk.is_used()
        await desk.fetcher.fetch_next()
        await desk.media.keep_waiting()
        assert desk.told == ["picture.damaged"]
        await desk.comes(key="2")
        photo = await desk.is_used()
        await desk.fetcher.fetch_next()
        await desk.media.keep_waiting()
        assert (await desk.photo(photo))[0] == "kept"

    @pytest.mark.parametrize(
        ("told", "wait_s"), [(TooManyRequests("429", retry_after_s=7), 7), (ChannelDown("401"), 60)]
    )
    async def test_what_the_file_is_not_to_blame_for_counts_as_no_try(
        self, desk_with: Make, told: Exception, wait_s: int
    ) -> None:
        desk = desk_with(told)
        await desk.comes()
        for _ in range(2 * len(AGAIN_AFTER)):
            assert await desk.fetcher.fetch_next()
            assert not await desk.fetcher.fetch_next()
            desk.now += timedelta(seconds=wait_s)
        assert await desk.state() == ("waiting", 0)

    async def test_files_of_a_channel_that_is_switched_off_wait(self, desk_with: Make, jpeg_of: Jpeg) -> None:
        desk = desk_with(jpeg_of(80, 60))
        await desk.comes()
        idle = Fetcher(desk.db, {}, desk.came_to, clock=lambda: desk.now, on_settled=desk.media.wake)
        assert not await idle.fetch_next()

    async def test_two_are_fetched_at_once_and_a_stop_lets_go_of_them(self, desk_with: Make, jpeg_of: Jpeg) -> None:
        desk = desk_with(jpeg_of(80, 60))
        desk.platform.open.clear()
        for number in range(5):
            await desk.comes(f"{number:064x}", key=str(number), reference=str(number))
        running = asyncio.create_task(desk.fetcher.run())
        while len(desk.platform.asked) < AT_ONCE:
            await asyncio.sleep(0)
        for _ in range(50):
            await asyncio.sleep(0)
        assert len(desk.platform.asked) == AT_ONCE
        desk.fetcher.stop()
        await asyncio.wait_for(running, 5)
        desk.platform.open.set()
        desk.now += HELD
        again = Fetcher(desk.db, {"paper": desk.platform}, desk.came_to, clock=lambda: desk.now, on_settled=print)
        while await again.fetch_next():
            pass
        assert len(list(desk.came_to.iterdir())) == 5, "what was cut off is fetched later"

    async def test_a_file_in_hand_is_left_alone_by_others(self, desk_with: Make) -> None:
        desk = desk_with(b"")
        await desk.comes()
        (file,) = await desk.db.read(remote_files.due, now=desk.now, channels=["paper"], most=5)
        assert await desk.db.write(remote_files.begin, file, again_at=desk.now + HELD)
        assert not await desk.db.write(remote_files.begin, file, again_at=desk.now + HELD)
        desk.now += timedelta(seconds=61)
        assert await desk.db.read(remote_files.due, now=desk.now, channels=["paper"], most=5) == []

    async def test_a_file_that_is_tried_in_vain_for_good_is_refused(self, desk_with: Make) -> None:
        desk = desk_with(b"")
        desk.came_to.mkdir()
        (desk.came_to / OTHER).mkdir()  # nothing to read there
        await desk.comes()
        photo = await desk.is_used(OTHER)
        for _ in range(attachments.TRIES):
            await desk.media.keep_waiting()
        assert (await desk.photo(photo))[0] == "refused"
        assert len(desk.told) == 1

    async def test_old_files_that_nothing_speaks_of_are_thrown_away(self, desk_with: Make) -> None:
        desk = desk_with(b"")
        desk.came_to.mkdir()
        used, drafted, parked, waiting, stray, young, torn = (f"{number:064x}" for number in range(7))
        for name in (used, drafted, parked, waiting, stray, young, f"{torn}.1.2.part"):
            (desk.came_to / name).write_bytes(b"x")
            old = (NOW - timedelta(days=2, minutes=1)).timestamp() if name != young else NOW.timestamp()
            os.utime(desk.came_to / name, (old, old))
        await desk.comes(waiting, key="still open")
        await desk.is_used(used)

        def draft(db: Connection) -> None:
            an = contacts.find_address(db, "paper", "an")
            assert an is not None
            talk = Talk("report", {"photos": [drafted]})
            aside = Talk("guided", {}, (("guided.photos", [parked]),))
            sessions.save(db, [Session(an.contact_id, talk, (aside,))], at=NOW)

        await desk.db.write(draft)
        assert await desk.media.tidy() == 2
        assert {path.name for path in desk.came_to.iterdir()} == {used, drafted, parked, waiting, young}

"""Put the program together, start it and stop it. The only place that builds the parts."""

from __future__ import annotations

import asyncio
import gc
import secrets
import signal
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import structlog
from aiohttp import web

from bot import demo, telling
from bot.book import make_book
from bot.broadcast import Broadcasts
from bot.channels.base import Channel
from bot.channels.web_chat import NAME, WebChat
from bot.config import Config
from bot.dispatch import Committed, Desk, Dispatcher
from bot.due import next_runs
from bot.exports import Exports
from bot.fetching import Fetcher
from bot.intake import Intake
from bot.media import Media
from bot.metrics import Metrics, make_metrics
from bot.picture_links import PictureLinks
from bot.pictures import PicturePool
from bot.platforms import picture_links, platforms_on
from bot.ports.web_chat import WebChatPorts
from bot.scheduler import Ticker
from bot.sender import Sender
from bot.sending import Surroundings
from bot.watch import Watch
from bot.web import Health, make_web
from dialogue.messages import Reply, Say
from dialogue.quiet import read_quiet_hours
from handlers import conversations
from handlers.broadcast_times import Planning
from handlers.content import Content
from storage import audit_chain, deliveries, erasure, housekeeping, installation
from storage.claims import NO_RULES, Rules
from storage.database import Away, Connection, Database
from storage.installation import Installation
from storage.opening import Opened
from storage.sealing import Sealer

log = structlog.get_logger()
Clock = Callable[[], datetime]

HOUSEKEEPING_S = 600.0
STANDS_IN = "STANDS-IN-FOR-THE-PAYLOAD"
SEALING_S = 5.0
FORGOTTEN_AFTER = timedelta(days=1)


def utc_now() -> datetime:
    """Return the time."""
    return datetime.now(UTC)


@dataclass
class Served:
    """Where our pages are reached, ending in a stroke: as configured, until the server knows its port."""

    address: str

    def chat_page(self) -> str:
        """Return the address of the chat page."""
        return f"{self.address}chat/"


@dataclass(frozen=True)
class Parts:
    """The program's parts, not yet running. `process` is the name of this run in the rows it owns."""

    config: Config
    content: Content
    place: Installation
    db: Database
    process: str
    clock: Clock
    intake: Intake
    dispatcher: Dispatcher
    sender: Sender
    broadcasts: Broadcasts
    media: Media
    fetcher: Fetcher
    channels: Mapping[str, Channel]
    watch: Watch
    metrics: Metrics
    served: Served
    links: PictureLinks | None


MakeChannels = Callable[[Config, Content, Installation, Intake, Clock], Sequence[Channel]]


@asynccontextmanager
async def assembled(
    config: Config, content: Content, opened: Opened, make_channels: MakeChannels, *, clock: Clock = utc_now
) -> AsyncIterator[Parts]:
    """Build all parts on an open database; nothing runs yet. Leaving closes the helper process, not the database."""
    db = opened.db
    place = await db.read(installation.get)
    process = secrets.token_hex(8)
    metrics = make_metrics()
    hearers: list[Dispatcher] = []
    fetchers: list[Fetcher] = []

    def on_accepted(channel: str, seconds: float) -> None:
        metrics.messages_received.labels(channel).inc()
        metrics.acknowledgement_s.observe(seconds)
        _wake(hearers)

    intake = Intake(db, process, content.wording.default, clock, on_accepted, lambda: _wake(fetchers))
    channels = {channel.name: channel for channel in make_channels(config, content, place, intake, clock)}
    async with PicturePool() as pool:
        media = _media(config, content, db, pool, clock)
        fetchers.append(Fetcher(db, channels, _came_to(config), clock=clock, on_settled=media.wake))
        rules = NO_RULES if place.is_demo else _rules(config)
        rates = {str(name): rate for name, rate in config.broadcast.rate.items()} or None
        around = Surroundings(process, content.wording, media.picture, rules=rules, rates_per_s=rates, now=clock)
        sender = Sender(db, channels.values(), around)

        def on_committed(committed: Committed) -> None:
            metrics.turns.inc(committed.done)
            metrics.turn_failures.inc(committed.failed)
            metrics.dead_letters.inc(committed.dead)
            if committed.outgoing:
                sender.wake()
                media.wake()

        served = Served(config.web.address)
        desk = _desk(config, content, opened, channels=channels, clock=clock)
        if config.channels.web_chat.enabled:
            desk = replace(desk, web_address=served.chat_page)
        dispatcher = Dispatcher(db, desk, process, on_committed=on_committed)
        hearers.append(dispatcher)
        broadcasts = _broadcasts(db, content, clock, sender, channels)
        yield Parts(
            config=config,
            content=content,
            place=place,
            db=db,
            process=process,
            clock=clock,
            intake=intake,
            dispatcher=dispatcher,
            sender=sender,
            broadcasts=broadcasts,
            media=media,
            fetcher=fetchers[0],
            channels=channels,
            watch=Watch(channels, clock),
            metrics=metrics,
            served=served,
            links=picture_links(config, opened.keys, clock),
        )


def _broadcasts(
    db: Database, content: Content, clock: Clock, sender: Sender, channels: Mapping[str, Channel]
) -> Broadcasts:
    capabilities = {name: channel.capabilities for name, channel in channels.items()}
    return Broadcasts(db, content.wording, now=clock, on_outgoing=sender.wake, channels=capabilities)


def _wake(hearers: Iterable[Dispatcher | Fetcher]) -> None:
    for hearer in hearers:
        hearer.wake()


def _came_to(config: Config) -> Path:
    return config.data.folder / "received"


def _desk(config: Config, content: Content, opened: Opened, *, channels: Mapping[str, Channel], clock: Clock) -> Desk:
    capabilities = {name: channel.capabilities for name, channel in channels.items()}
    planning = Planning(next_runs, read_quiet_hours(config.broadcast.quiet_hours), tuple(capabilities.values()))
    return Desk(
        book=make_book(conversations(Sealer(opened.keys), planning), content.wording),
        content=content,
        channels=capabilities,
        clock=clock,
        chat_link=lambda name: channels[name].link("menu"),
        chat_links=lambda: _links_of(channels),
    )


def _links_of(channels: Mapping[str, Channel]) -> tuple[str, ...]:
    """The links of all channels that have such, as templates: a channel takes only some letters for a payload."""
    links = (channel.link(STANDS_IN) for channel in channels.values())
    return tuple(link.replace(STANDS_IN, "{payload}") for link in links if link is not None)


def _rules(config: Config) -> Rules:
    return Rules(read_quiet_hours(config.broadcast.quiet_hours), config.broadcast.daily_cap)


def _media(config: Config, content: Content, db: Database, pool: PicturePool, clock: Clock) -> Media:
    def tell(connection: Connection, contact_id: int, reason: str) -> None:
        said = Reply((Say(reason), Say("picture.report_kept")))
        now = clock()
        deliveries.enqueue(connection, [telling.notice(connection, content.wording, contact_id, said, at=now)], at=now)

    return Media(db, pool, came_to=_came_to(config), folder=config.data.attachments, tell=tell, clock=clock)


def web_chat(
    config: Config,
    content: Content,
    place: Installation,
    intake: Intake,
    clock: Clock,
    *,
    exports: Exports | None = None,
) -> WebChat:
    """Return the web chat on this program; on a demonstration with a page for every persona."""
    ports = WebChatPorts(
        name=NAME,
        db=intake.db,
        intake=intake,
        wording=content.wording,
        received=_came_to(config),
        pictures=config.data.attachments,
        clock=clock,
        proxies=config.web.trusted_proxies,
        exports=exports,
    )
    language = content.wording.default
    found = demo.personas(config.content) if place.is_demo else ()
    personas = {each.slug: each.label.get(language, each.slug) for each in found}
    secure = config.web.public_url is not None and config.web.public_url.scheme == "https"
    return WebChat(ports, personas=personas, secure=secure)


async def run(config: Config, content: Content, opened: Opened, *, show: Callable[[str], None]) -> None:
    """Serve until SIGTERM or Ctrl-C, then finish what is under way. `show` gets the address of the chat page."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with _running(config, content, opened) as address:
        show(address)
        _spare_the_collector()
        await stop.wait()
        log.info("stopping")
    log.info("stopped")


def _spare_the_collector() -> None:
    """Let the collector of cycles pass over what stays for good, and look less often at what comes and goes.

    Measured: a fifth of the time of sending, and every look over all objects is a stall of the event loop.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 50, 50)


@asynccontextmanager
async def _running(config: Config, content: Content, opened: Opened) -> AsyncIterator[str]:
    def channels(*given: Any) -> list[Channel]:
        made: list[Channel] = [web_chat(*given, exports=exports)] if config.channels.web_chat.enabled else []
        return [*made, *(platform.channel(opened.keys)(*given) for platform, _section in platforms_on(config))]

    async with AsyncExitStack() as stack:
        stack.push_async_callback(opened.close)
        # A helper of their own: a long spreadsheet keeps no photo waiting.
        helper = await stack.enter_async_context(PicturePool())
        exports = Exports(opened.db, content, helper, key=opened.keys.digest, now=utc_now)
        parts = await stack.enter_async_context(assembled(config, content, opened, channels))
        for channel in parts.channels.values():
            stack.push_async_callback(channel.stop)
            await channel.start()
        # Left in the opposite order: the server closes first, so that nothing new comes in while the rest finishes.
        await stack.enter_async_context(_task(parts.sender.run(), parts.sender.stop))
        await stack.enter_async_context(_task(parts.media.run(), parts.media.stop))
        await stack.enter_async_context(_task(parts.fetcher.run(), parts.fetcher.stop))
        house = partial(_keep_house, parts.clock, _erasing(parts.channels))
        await stack.enter_async_context(_task(_repeat(parts.db, HOUSEKEEPING_S, house), None))
        seal = partial(audit_chain.seal, key=opened.keys.digest)
        await stack.enter_async_context(_task(_repeat(parts.db, SEALING_S, seal), None))
        ticker = Ticker(parts.broadcasts.tick)
        ticker.start()
        stack.callback(ticker.stop)
        await stack.enter_async_context(_task(parts.dispatcher.run(), parts.dispatcher.stop))
        address = await stack.enter_async_context(_serving(parts))
        for channel in parts.channels.values():
            stack.push_async_callback(channel.hush)
            await channel.listen()
        await stack.enter_async_context(_task(parts.watch.run(), None))
        yield address


@asynccontextmanager
async def _task(work: Coroutine[Any, Any, None], stop: Callable[[], None] | None) -> AsyncIterator[None]:
    """Run `work` beside the block; leaving it asks it to stop and waits, or cancels it where it cannot be asked."""
    task = asyncio.create_task(work)
    task.add_done_callback(_noted)
    try:
        yield
    finally:
        task.cancel() if stop is None else stop()
        await asyncio.wait([task])
    if not task.cancelled() and (error := task.exception()) is not None:
        raise error  # whoever watches over us must see that we did not just end


def _noted(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("task_failed", exc_info=error)
        # Better to leave and be started anew than to look alive while a part of us is dead.
        signal.raise_signal(signal.SIGTERM)


async def _repeat(db: Database, pause_s: float, work: Callable[[Connection], object]) -> None:
    """Do `work` in a transaction of its own every so often; a failure is logged and tried again next time."""
    while True:
        try:
            await db.write(work)
        except Exception:
            log.exception("repeated_work_failed")
        await asyncio.sleep(pause_s)


def _erasing(channels: Mapping[str, Channel]) -> list[str]:
    """The channels on which we can take messages of ours away."""
    return [name for name, channel in channels.items() if channel.capabilities.erases_messages]


def _keep_house(clock: Clock, erasing: Sequence[str], db: Connection) -> None:
    now = clock()
    housekeeping.erase_old(db, now=now, erasing=erasing)
    erasure.forget_addresses(db, erased_before=now - FORGOTTEN_AFTER)


@asynccontextmanager
async def _serving(parts: Parts) -> AsyncIterator[str]:
    routes = [route for channel in parts.channels.values() for route in channel.routes()]
    routes += parts.links.routes() if parts.links is not None else ()

    async def health() -> Health:
        try:
            place = await parts.db.read(installation.get)
        except Away:
            return Health(ok=False, detail={"database": "away"})
        channels = parts.watch.state()
        for name, reason in parts.sender.down.items():
            channels[name]["trouble"] = channels[name]["trouble"] or reason
        return Health(ok=True, detail={"kind": place.kind, "hold": place.hold, "channels": channels})

    app = make_web(health=health, metrics=parts.metrics.render, routes=routes)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=2.0)
    await runner.setup()
    site = web.TCPSite(runner, parts.config.web.host, parts.config.web.port)
    await site.start()
    try:
        parts.served.address = _address(parts.config, runner)
        yield parts.served.address
    finally:
        await site.stop()
        await runner.cleanup()


def _address(config: Config, runner: web.AppRunner) -> str:
    if config.web.public_url is not None:
        return config.web.address
    host, port = runner.addresses[0][:2]
    return f"http://{host}:{port}/"

"""The door: take calls over HTTP, let faults and limits have their say, answer, and write all of it down."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Coroutine
from typing import Any
from urllib.parse import unquote

from aiohttp import web

from tests.fakes.telegram.control import Control
from tests.fakes.telegram.errors import ApiError, named
from tests.fakes.telegram.faults import Fault
from tests.fakes.telegram.methods import METHODS, NAMES
from tests.fakes.telegram.wire import (
    Answer,
    Params,
    cut,
    drop,
    failure,
    garbage,
    parse_object,
    read_params,
    structure,
    success,
)
from tests.fakes.telegram.world import Bot, Call, TooFast, World

LARGEST_CALL = 64 * 2**20
TOKEN_SHAPE = re.compile(r"[1-9]\d*:[\w-]{20,}$")
NO_METHOD = ApiError(404, "Not Found: method not found")


class Door:
    """Everything that comes in over HTTP: calls of bots, downloads, orders of the tests."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.control = Control(world)
        self._tasks: set[asyncio.Task[Any]] = set()
        world.on_reply = self.take_reply

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        path = request.raw_path.partition("?")[0]
        if path.startswith("/bot"):
            token, _, method = path.removeprefix("/bot").partition("/")
            return await self._answer_bot(request, token, method)
        if path.startswith("/file/bot"):
            token, _, place = path.removeprefix("/file/bot").partition("/")
            return self._give_file(token, unquote(place))
        if path.startswith("/control/"):
            return await self.control.obey(request, path.removeprefix("/control/"))
        return failure(named("not_found")).response()

    def _give_file(self, token: str, path: str) -> web.Response:
        bot = self.world.bots.get(unquote(token))
        if bot is None or bot.is_revoked:
            return failure(named("unauthorized")).response()
        kept = self.world.files.at(bot.id, path)
        if kept is None:
            return failure(named("not_found")).response()
        return web.Response(body=kept.content, content_type="application/octet-stream")

    async def _answer_bot(self, request: web.BaseRequest, token: str, method: str) -> web.StreamResponse:
        world = self.world
        bot = world.bots.get(token) or world.bots.get(unquote(token))
        if bot is None:
            return failure(named("unauthorized" if TOKEN_SHAPE.match(unquote(token)) else "not_found")).response()
        if world.settings.answer_only and method.lower() == "sendmessage" and not bot.is_revoked:
            return self._count_only(bot, parse_object(await request.read()))
        try:
            params = await read_params(request)
        except ApiError as error:
            return failure(error).response()
        call = self._open(bot, method, params)
        if (refused := self._refused_at_the_gate(call)) is not None:
            return self._finish(call, refused)
        faults = world.faults.draw(call.method, call.chat_id, world.clock())
        if not faults:
            return self._finish(call, await self._perform(call))
        return await self._answer_badly(request, call, faults)

    def _open(self, bot: Bot, method: str, params: Params) -> Call:
        """Begin the record of a call."""
        chat_id, method = chat_of(params), NAMES.get(method.lower(), method)
        return Call(self.world, bot, method, params, chat_id, self.world.ledger.arrive(method, bot.id, chat_id or 0))

    def _count_only(self, bot: Bot, params: Params) -> web.Response:
        chat_id = int(params["chat_id"])
        number = self.world.ledger.count(chat_id)
        chat = {"id": chat_id, "type": "private"}
        return success({"message_id": number, "date": 0, "chat": chat, "text": params["text"]}).response()

    def _refused_at_the_gate(self, call: Call) -> Answer | None:
        """Return the refusal of a call whose token is dead or that comes too fast."""
        try:
            if call.bot.is_revoked:
                raise named("unauthorized")
            if call.chat_id:
                call.pass_gate(call.chat_id, weight_of(call))
        except ApiError as error:
            return self._refuse(call, error)
        return None

    def _refuse(self, call: Call, error: ApiError) -> Answer:
        self.world.ledger.refusals[call.number] = error.description
        if isinstance(error, TooFast):
            call.told_to_wait(error, error.chat_id, ordered=False)
        return failure(error)

    async def _perform(self, call: Call) -> Answer:
        """Carry a call out and return its answer."""
        try:
            method = METHODS.get(call.method)
            if method is None:
                raise NO_METHOD
            result = method(call)
            if isinstance(result, Coroutine):
                result = await result
        except ApiError as error:
            return self._refuse(call, error)
        self.world.ledger.accept(call.number)
        return success(result)

    def _finish(self, call: Call, answer: Answer) -> web.Response:
        self.world.ledger.answer(call.number, answer.status)
        return answer.response()

    async def _answer_badly(self, request: web.BaseRequest, call: Call, faults: list[Fault]) -> web.StreamResponse:
        await delay(faults, accepted=False)
        wrong = next((fault for fault in faults if fault.kind != "delay"), None)
        if wrong is not None and wrong.kind == "album_partly":
            call.breaks_after, wrong = wrong.items, None
        answer = None
        if wrong is None or wrong.accepted or wrong.kind == "cut":
            answer = await self._perform(call)
        await delay(faults, accepted=True)
        if answer is not None and (wrong is None or answer.status != 200):
            return self._finish(call, answer)
        assert wrong is not None
        return self._spoil(request, call, wrong, answer)

    def _spoil(self, request: web.BaseRequest, call: Call, fault: Fault, answer: Answer | None) -> web.StreamResponse:
        """Answer as the fault says; `answer` is what would have been said to a call that was accepted."""
        match fault.kind:
            case "reset":
                return drop(request)
            case "cut":
                return cut(request, answer or failure(named("bad_gateway")))
            case "garbage":
                return garbage()
        error = fault.error()
        assert error is not None
        if not fault.accepted:
            self._refuse(call, error)
        if error.code == 429:
            call.told_to_wait(error, None if fault.whole_bot else call.chat_id, ordered=True)
        return self._finish(call, failure(error))

    def take_reply(self, bot: Bot, reply: Params) -> None:
        """Carry out the call that a webhook's answer holds; nobody learns what became of it."""
        method = str(reply["method"])
        if method.lower().startswith(("get", "setwebhook", "deletewebhook")):
            return
        call = self._open(bot, method, {name: value for name, value in reply.items() if name != "method"})
        if self._refused_at_the_gate(call) is None:
            task = asyncio.get_running_loop().create_task(self._perform(call))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        for bot in self.world.bots.values():
            bot.queue.end_poll()
            if bot.hook is not None:
                await bot.hook.close()
                bot.hook = None


def chat_of(params: Params) -> int | None:
    """Return the number of the chat a call is about; None where it carries none."""
    said = params.get("chat_id")
    if said is None:
        return None
    try:
        return int(said)
    except (TypeError, ValueError):
        return None


async def delay(faults: list[Fault], *, accepted: bool) -> None:
    """Wait as long as the delays among the faults say, those before or those after acceptance."""
    for fault in faults:
        if fault.kind == "delay" and fault.accepted is accepted:
            await asyncio.sleep(fault.delay_s)


def weight_of(call: Call) -> int:
    """Return how many messages a call counts for: each item of an album is one."""
    if call.method != "sendMediaGroup":
        return 1
    items = structure(call.params, "media", "can't parse media JSON object")
    return len(items) if isinstance(items, list) and items else 1


class Server:
    """A fake that listens on 127.0.0.1."""

    def __init__(self, world: World, port: int = 0) -> None:
        self.world = world
        self.port = port
        self._door: Door | None = None
        self._runner: web.ServerRunner | None = None

    async def start(self) -> None:
        """Listen; `port` is what was given, or the free one that was found for 0."""
        door = self._door = Door(self.world)
        server = web.Server(door.answer, request_factory=make_request, access_log=None)
        runner = self._runner = web.ServerRunner(server, shutdown_timeout=0.5)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", self.port, backlog=1024).start()
        self.port = runner.addresses[0][1]

    async def stop(self) -> None:
        if self._door is not None and self._runner is not None:
            await self._door.close()
            await self._runner.cleanup()


def make_request(message: Any, payload: Any, protocol: Any, writer: Any, task: Any) -> web.BaseRequest:
    """Make a request whose body may be as large as an upload."""
    loop = asyncio.get_running_loop()
    return web.BaseRequest(message, payload, protocol, writer, task, loop, client_max_size=LARGEST_CALL)

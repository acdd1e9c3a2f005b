"""The door: take calls over HTTP, let faults and limits have their say, answer, and write all of it down."""

from __future__ import annotations

import asyncio
import re
from typing import Any
from urllib.parse import unquote

from aiohttp import web

from tests.fakes import server
from tests.fakes.faults import Fault
from tests.fakes.server import RefusalError
from tests.fakes.telegram.control import Control
from tests.fakes.telegram.errors import ApiError, named
from tests.fakes.telegram.faults import error_of
from tests.fakes.telegram.methods import METHODS, NAMES
from tests.fakes.telegram.wire import Params, failure, parse_object, read_params, structure, success
from tests.fakes.telegram.world import Bot, Call, TooFast, World
from tests.fakes.wire import Answer

TOKEN_SHAPE = re.compile(r"[1-9]\d*:[\w-]{20,}$")
NO_METHOD = ApiError(404, "Not Found: method not found")


class Door(server.Door):
    """Everything that comes in over HTTP: calls of bots, downloads, orders of the tests."""

    def __init__(self, world: World) -> None:
        super().__init__(world.ledger)
        self.world = world
        self.control = Control(world)
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
            return self.finish(call, refused)
        faults = world.faults.draw(call.method, call.chat_id, world.clock())
        if not faults:
            return self.finish(call, await self.perform(call))
        return await self.answer_badly(request, call, faults)

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
            return self.refuse(call, error)
        return None

    def refused(self, call: Call, error: RefusalError, fault: Fault | None = None) -> None:
        if isinstance(error, TooFast):
            call.told_to_wait(error, error.chat_id, ordered=False)
        elif isinstance(error, ApiError) and fault is not None and error.code == 429:
            call.told_to_wait(error, None if fault.whole_bot else call.chat_id, ordered=True)

    def carry_out(self, call: Call) -> Any:
        method = METHODS.get(call.method)
        if method is None:
            raise NO_METHOD
        return method(call)

    def success(self, result: Any) -> Answer:
        return success(result)

    def failure(self, error: RefusalError) -> Answer:
        assert isinstance(error, ApiError)
        return failure(error)

    def error_of(self, fault: Fault) -> ApiError | None:
        return error_of(fault)

    def changes(self, call: Call, fault: Fault) -> bool:
        if fault.kind != "album_partly":
            return False
        call.breaks_after = fault.items
        return True

    def take_reply(self, bot: Bot, reply: Params) -> None:
        """Carry out the call that a webhook's answer holds; nobody learns what became of it."""
        method = str(reply["method"])
        if method.lower().startswith(("get", "setwebhook", "deletewebhook")):
            return
        call = self._open(bot, method, {name: value for name, value in reply.items() if name != "method"})
        if self._refused_at_the_gate(call) is None:
            task = asyncio.get_running_loop().create_task(self.perform(call))
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)

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


def weight_of(call: Call) -> int:
    """Return how many messages a call counts for: each item of an album is one."""
    if call.method != "sendMediaGroup":
        return 1
    items = structure(call.params, "media", "can't parse media JSON object")
    return len(items) if isinstance(items, list) and items else 1

"""The door: calls of bots, pictures people sent, orders of the tests."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import unquote

from aiohttp import web

from tests.fakes import server
from tests.fakes.faults import Fault
from tests.fakes.server import RefusalError
from tests.fakes.wire import Answer, encode, parse_object
from tests.fakes.zalo.control import Control
from tests.fakes.zalo.errors import NAMED, ApiError, named
from tests.fakes.zalo.ids import number_of
from tests.fakes.zalo.methods import METHODS
from tests.fakes.zalo.world import Call, Params, World

NOTHING_CAME = 408
TYPES = {"jpg": "image/jpeg", "png": "image/png", "aac": "audio/aac"}


class Door(server.Door):
    """Everything that comes in over HTTP."""

    def __init__(self, world: World) -> None:
        super().__init__(world.ledger)
        self.world = world
        self.control = Control(world)

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        path = request.raw_path.partition("?")[0]
        if path.startswith("/bot"):
            token, _, method = path.removeprefix("/bot").partition("/")
            return await self._answer_bot(request, unquote(token), method)
        if path.startswith("/cdn/"):
            return self._give_picture(path.removeprefix("/cdn/"))
        if path.startswith("/control/"):
            self.world.url = f"http://{request.host}"
            return await self.control.obey(request, path.removeprefix("/control/"))
        return named("not_found").answer().response()

    def _give_picture(self, name: str) -> web.Response:
        content = self.world.pictures.get(name)
        if content is None:
            return web.Response(status=404)
        return web.Response(body=content, content_type=TYPES[name.rpartition(".")[2]])

    async def _answer_bot(self, request: web.BaseRequest, token: str, method: str) -> web.StreamResponse:
        bot = self.world.bots.get(token)
        if bot is None:
            return named("unauthorized").answer().response()
        params = await read_params(request)
        chat_id = number_of(said) if isinstance(said := params.get("chat_id"), str) and said else 0
        number = self.ledger.arrive(method, bot.id, chat_id)
        call = Call(self.world, bot, method, params, number, request.raw_path, lambda: is_gone(request))
        try:
            if bot.is_revoked:
                raise named("unauthorized")
            call.pass_gate(chat_id)
        except RefusalError as error:
            return self.finish(call, self.refuse(call, error))
        faults = self.world.faults.draw(method, chat_id or None, self.world.clock())
        if not faults:
            return self.finish(call, await self.perform(call))
        return await self.answer_badly(request, call, faults)

    def refuse(self, call: Call, error: RefusalError) -> Answer:
        if call.method == "getUpdates" and error.code == NOTHING_CAME:
            return self.failure(error)  # nothing came: no refusal, however it is worded
        return super().refuse(call, error)

    def carry_out(self, call: Call) -> Any:
        method = METHODS.get(call.method)
        if method is None:
            raise named("not_found")
        return method(call)

    def success(self, result: Any) -> Answer:
        found = {"ok": True, "result": result}
        return Answer(200, encode(found | {"error_code": 0} if self.world.settings.with_error_code else found).encode())

    def failure(self, error: RefusalError) -> Answer:
        assert isinstance(error, ApiError)
        return error.answer()

    def error_of(self, fault: Fault) -> ApiError | None:
        if fault.kind in NAMED:
            return named(fault.kind)
        return ApiError(fault.code, fault.description) if fault.kind == "refuse" else None

    def refused(self, call: Call, error: RefusalError, fault: Fault | None = None) -> None:
        if isinstance(error, ApiError):
            error.path = call.path

    async def close(self) -> None:
        for bot in self.world.bots.values():
            bot.queue.end(named("request_timeout"))
            if bot.hook is not None:
                await bot.hook.close()
                bot.hook = None


async def read_params(request: web.BaseRequest) -> Params:
    """Return the parameters of a call: JSON, forms and the query are read; a multipart body counts for nothing."""
    params: Params = dict(request.query)
    if not request.can_read_body or request.content_type == "multipart/form-data":
        return params
    if request.content_type == "application/x-www-form-urlencoded":
        return params | {name: value for name, value in (await request.post()).items() if isinstance(value, str)}
    try:
        return params | parse_object(await request.read())
    except (ValueError, json.JSONDecodeError):
        return params


def is_gone(request: web.BaseRequest) -> bool:
    """Tell whether who asked has hung up."""
    return request.transport is None or request.transport.is_closing()

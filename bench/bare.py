"""The yardstick: aiohttp and uvloop, with nothing in between.

It answers every page with the bytes of a file. What is posted is told to all sockets in
a frame as long as ours, made once and written to each, kept and looked at by nobody.
What Campfire costs beside this is what Campfire itself costs.
"""

import argparse
import asyncio
import itertools
import struct
from pathlib import Path
from typing import Final, cast

import orjson
import uvloop
from aiohttp import web

TEXT: Final = 0x81
SHORT: Final = 126
FRAME: Final = 4
SHOWN: Final = b'{"event":"message.posted","seq":%d,"message":%b}'


def application(body: bytes, frame_bytes: int) -> web.Application:
    listening: set[asyncio.WriteTransport] = set()
    seqs = itertools.count(1)

    async def show(request: web.Request) -> web.Response:
        return web.Response(body=body, content_type="text/html", charset="utf-8")

    async def post(request: web.Request) -> web.Response:
        message = await request.read()
        event = SHOWN % (next(seqs), message)
        event += b" " * (frame_bytes - FRAME - len(event))
        frame = struct.pack("!BBH", TEXT, SHORT, len(event)) + event
        for transport in listening:
            transport.write(frame)
        return web.Response(status=201, body=message, content_type="application/json")

    async def listen(request: web.Request) -> web.WebSocketResponse:
        line = web.WebSocketResponse(protocols=("campfire.json",), compress=False)
        await line.prepare(request)
        await line.send_str('{"event":"welcome"}')
        # One of uvloop's is none by its type, but is one by what it can do.
        transport = cast(asyncio.WriteTransport, request.transport)
        async for word in line:
            if orjson.loads(word.data)["command"] == "room.enter":
                await line.send_str('{"event":"room.entered","seq":0}')
                listening.add(transport)
        listening.discard(transport)
        return line

    app = web.Application()
    app.router.add_get("/socket", listen)
    app.router.add_get("/{path:.*}", show)
    app.router.add_post("/{path:.*}", post)
    return app


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("page", type=Path)
    parser.add_argument("frame_bytes", type=int)
    given = parser.parse_args()
    uvloop.install()
    web.run_app(
        application(given.page.read_bytes(), given.frame_bytes),
        host="127.0.0.1",
        port=given.port,
        access_log=None,
        print=lambda line: None,
    )

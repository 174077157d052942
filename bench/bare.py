"""The yardstick: aiohttp and uvloop, answering with the bytes of a file and no more.

What Campfire's room page costs beside this is what Campfire itself costs.
"""

import sys
from pathlib import Path

import uvloop
from aiohttp import web


def application(body: bytes) -> web.Application:
    async def show(request: web.Request) -> web.Response:
        return web.Response(body=body, content_type="text/html", charset="utf-8")

    app = web.Application()
    app.router.add_get("/{path:.*}", show)
    return app


if __name__ == "__main__":
    uvloop.install()
    web.run_app(
        application(Path(sys.argv[2]).read_bytes()),
        host="127.0.0.1",
        port=int(sys.argv[1]),
        access_log=None,
        print=lambda line: None,
    )

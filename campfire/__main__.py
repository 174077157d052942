"""The command line: `campfire serve`, and what an operator does besides."""

import argparse
import asyncio
import os
import signal
import sys
import warnings
from pathlib import Path
from typing import Final

import apsw
import uvloop
from aiohttp import web

from campfire import __version__, app, backups, demo, logs, people, verify
from campfire.config import Config, Misconfigured
from campfire.database import Unusable, alone
from campfire.web.middleware import REQUEST_ID
from campfire.web.protocol import lines

SHUTDOWN_TAKES: Final = 5.0
BACKLOG: Final = 1024
COMMANDS: Final = {
    "backup": backups.back_up,
    "demo": demo.run,
    "restore": backups.restore,
    "users": people.run,
    "verify": verify.run,
}


def main(arguments: list[str] | None = None) -> int:
    """Runs a command; answers with its exit code, faults in one line on stderr."""
    given = parser().parse_args(arguments)
    try:
        names = ("host", "port", "data")
        options = {name: getattr(given, name, None) for name in names}
        config = Config.from_env(os.environ, **options)
        if given.command in COMMANDS:
            COMMANDS[given.command](given, config)
            return 0
        logs.start(config.log_format, REQUEST_ID.get)
        # aiohttp-session still keeps its things under plain strings, at each request.
        warnings.simplefilter("ignore", web.NotAppKeyWarning)
        uvloop.run(serve(config))
    except (Misconfigured, Unusable, OSError, apsw.Error) as fault:
        print(f"campfire: {fault}", file=sys.stderr)
        return 1
    return 0


def parser() -> argparse.ArgumentParser:
    commands = argparse.ArgumentParser(
        prog="campfire", description="A chat server for one team."
    )
    commands.add_argument("--version", action="version", version=__version__)
    command = commands.add_subparsers(dest="command", required=True)
    serve = command.add_parser("serve", help="run the server")
    serve.add_argument("--host", help="address to listen on (127.0.0.1)")
    serve.add_argument("--port", type=int, help="port to listen on (8000)")
    serve.add_argument("--data", type=Path, help="folder for what is kept (./data)")
    backups.add_to(command)
    people.add_to(command)
    demo.add_to(command)
    verify.add_to(command)
    return commands


async def serve(config: Config) -> None:
    """Serves until SIGTERM or SIGINT, then finishes what was begun."""
    os.umask(0o077)
    config.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    with alone(config.data):
        runner = web.AppRunner(
            await app.create(config), shutdown_timeout=SHUTDOWN_TAKES
        )
        try:
            await runner.setup()
            assert runner.server is not None, "it was just set up"
            server = await loop.create_server(
                lines(runner.server), config.host, config.port, backlog=BACKLOG
            )
            host, port = server.sockets[0].getsockname()[:2]
            print(f"Campfire is at http://{host}:{port}", flush=True)
            await stopping.wait()
            server.close()
        finally:
            await runner.cleanup()


if __name__ == "__main__":
    sys.exit(main())

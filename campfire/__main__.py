"""The command line: `campfire serve`, and what an operator does besides."""

import argparse
import asyncio
import contextlib
import gc
import os
import signal
import socket
import sys
import warnings
from pathlib import Path
from typing import Any, Final

import apsw
import uvloop
from aiohttp import web

from campfire import (
    __version__,
    app,
    backups,
    demo,
    doctor,
    exports,
    imports,
    logs,
    people,
    usage,
    verify,
)
from campfire.certificates import Certificates
from campfire.chat import health
from campfire.config import Config, Misconfigured
from campfire.database import Unusable, alone
from campfire.refusals import Busy
from campfire.supervisors import Supervisor
from campfire.web.keys import DB, RENDERER, STOPPING
from campfire.web.middleware import REQUEST_ID
from campfire.web.protocol import HANDSHAKE_TAKES, Lines, most_lines
from campfire.workers import BACKLOG, Inherited, Workers, address

SHUTDOWN_TAKES: Final = 5.0
COMMANDS: Final = {
    "backup": backups.back_up,
    "demo": demo.run,
    "doctor": doctor.run,
    "export": exports.run,
    "import": imports.run,
    "restore": backups.restore,
    "usage": usage.run,
    "users": people.run,
    "verify": verify.run,
}


def main(arguments: list[str] | None = None) -> int:
    """Runs a command; answers with its exit code, faults in one line on stderr."""
    given = parser().parse_args(arguments)
    try:
        names = ("host", "port", "data", "workers")
        options = {name: getattr(given, name, None) for name in names}
        config = Config.from_env(os.environ, **options)
        if given.command in COMMANDS:
            COMMANDS[given.command](given, config)
            return 0
        os.umask(0o077)
        inherited = Inherited.from_text(given.worker) if given.worker else None
        number = inherited.worker.number if inherited else None
        logs.start(config.log_format, REQUEST_ID.get, config.log_file, number)
        # aiohttp-session still keeps its things under plain strings, at each request.
        warnings.simplefilter("ignore", web.NotAppKeyWarning)
        supervisor = Supervisor.from_env(os.environ, os.getpid())
        if config.workers > 1 and not inherited:
            return uvloop.run(Workers(config, supervisor, os.environ).run())
        uvloop.run(serve(config, supervisor, inherited))
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
    serve.add_argument("--workers", type=int, help="processes to serve with (1)")
    serve.add_argument("--worker", help=argparse.SUPPRESS)
    backups.add_to(command)
    imports.add_to(command)
    exports.add_to(command)
    people.add_to(command)
    demo.add_to(command)
    usage.add_to(command)
    verify.add_to(command)
    doctor.add_to(command)
    return commands


async def serve(
    config: Config, supervisor: Supervisor, inherited: Inherited | None = None
) -> None:
    """Serves until SIGTERM or SIGINT, then finishes what was begun.

    One of several workers does so too when the process that started it is gone.
    """
    config.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    certificates: Certificates | None = None
    if config.tls_certificate and config.tls_key:
        certificates = Certificates(config.tls_certificate, config.tls_key)
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    if certificates:
        loop.add_signal_handler(signal.SIGHUP, certificates.renew)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    if inherited:
        supervisor = supervisor.line_to(inherited.line)
        supervisor.when_gone(stopping.set)
    with contextlib.nullcontext() if inherited else alone(config.data):
        application = await app.create(
            config, worker=inherited.worker if inherited else None
        )
        runner = web.AppRunner(application, shutdown_timeout=SHUTDOWN_TAKES)
        db = application[DB]
        watching: asyncio.Task[None] | None = None
        try:
            await runner.setup()
            # After a restart everybody asks for it at once.
            application[RENDERER].compile("rooms/show.html")
            assert runner.server is not None, "it was just set up"
            where: list[dict[str, Any]] = [{"host": config.host, "port": config.port}]
            if inherited:
                listening = [socket.socket(fileno=each) for each in inherited.listening]
                where = [{"sock": each} for each in listening]
            elif given := supervisor.inherited():
                where = [{"sock": given}]
            secured: dict[str, Any] = {}
            if certificates:
                secured["ssl"] = certificates.context
                secured["ssl_handshake_timeout"] = HANDSHAKE_TAKES
            lines = Lines(runner.server, most_lines())
            servers = [
                await loop.create_server(lines, backlog=BACKLOG, **each, **secured)
                for each in where
            ]
            with contextlib.suppress(Busy):  # Reading goes on while the disk is full.
                await db.write(health.write)
            if not inherited:
                where_it_is = address(servers[0].sockets[0], config)
                print(f"Campfire is at {where_it_is}{config.base}", flush=True)
            # What is here stays: looking through it would stop the loop for long.
            gc.freeze()
            supervisor.tell("READY=1")
            watching = asyncio.create_task(
                supervisor.watch(lambda: db.write(health.write)), name="watchdog"
            )
            await stopping.wait()
            supervisor.tell("STOPPING=1")
            for server in servers:
                server.close()
            application[STOPPING].set()
            await lines.drained()
        finally:
            if watching is not None:
                watching.cancel()
            await runner.cleanup()


if __name__ == "__main__":
    sys.exit(main())

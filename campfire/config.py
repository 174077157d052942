"""What the operator decides, read once from the environment and never again."""

import difflib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any, Final, Literal
from urllib.parse import urlsplit

from campfire.turns import MOST_WORKERS

PREFIX: Final = "CAMPFIRE_"
USUAL_PORTS: Final = {"http": 80, "https": 443}
BROKERS: Final = ("redis://", "rediss://", "unix://")
# What no browser, proxy or cookie writes in another way; no segment is only dots.
BASE: Final = re.compile(r"(/(?!\.+(/|$))[A-Za-z0-9._~-]+)*")
Network = IPv4Network | IPv6Network


class Misconfigured(Exception):
    """Says in one line which setting is wrong and what was probably meant."""


def setting(default: Any, about: str) -> Any:
    return field(default=default, metadata={"about": about})


@dataclass(frozen=True, slots=True)
class Config:
    """Each field is `CAMPFIRE_` and its name in capitals."""

    host: str = setting("127.0.0.1", "address to listen on")
    port: int = setting(8000, "port to listen on")
    data: Path = setting(Path("data"), "folder for everything that is kept")
    origin: str | None = setting(
        None, "scheme, host and port that browsers use, such as https://chat.example"
    )
    base: str = setting("", "path under that which is Campfire's, such as /chat")
    trusted_proxies: tuple[Network, ...] = setting(
        (), "networks whose X-Forwarded-* headers are believed, with commas between"
    )
    tls_certificate: Path | None = setting(
        None, "file with the certificate and its chain, to speak TLS without a proxy"
    )
    tls_key: Path | None = setting(None, "file with the key of the certificate")
    cors_origins: tuple[str, ...] = setting(
        (), "other sites whose scripts may use the JSON with a token, with commas"
    )
    log_file: Path | None = setting(
        None, "file for the log, of 10 MB and five older ones, not standard output"
    )
    log_format: Literal["json", "text"] = setting("text", "one line each, json or text")
    largest_file: int = setting(100, "megabytes that one file may have")
    files_per_person: int = setting(
        10_000, "megabytes that the files of one person may have together"
    )
    undelete_days: int = setting(
        7, "days for which what was deleted can be brought back; 0 for not at all"
    )
    rate_limits: bool = setting(True, "on, or off for measuring")
    workers: int = setting(1, "processes to serve with; more than 1 need a broker")
    broker: str | None = setting(
        None, "where workers talk, such as redis://127.0.0.1:6379"
    )
    backups: Path | None = setting(
        Path("backups"), "folder for a backup every night, within data, or off"
    )
    backups_kept: int = setting(7, "how many backups are kept")
    archive: bool = setting(
        False, "on to keep what was committed since, for restoring any moment"
    )
    metrics_token: str | None = setting(
        None, "what a program from elsewhere shows to read /metrics"
    )
    password_cost: int = field(default=12, metadata={"internal": True})

    @classmethod
    def from_env(
        cls, environ: Mapping[str, str] = os.environ, **given: Any
    ) -> "Config":
        """The environment, overruled by what was `given`. Raises Misconfigured."""
        known = {
            PREFIX + name.name.upper(): name.name
            for name in fields(cls)
            if "about" in name.metadata
        }
        values: dict[str, Any] = {}
        for variable, value in environ.items():
            if not variable.startswith(PREFIX):
                continue
            if variable not in known:
                nearest = difflib.get_close_matches(variable, known, 1, 0)
                raise Misconfigured(
                    f"{variable} is not a setting; did you mean {nearest[0]}?"
                )
            values[known[variable]] = parsed(variable, value)
        values |= {name: value for name, value in given.items() if value is not None}
        config = cls(**values)
        if not 0 <= config.port <= 65_535:
            raise Misconfigured("CAMPFIRE_PORT must be between 0 and 65535.")
        if (config.tls_certificate is None) != (config.tls_key is None):
            raise Misconfigured(
                "CAMPFIRE_TLS_CERTIFICATE and CAMPFIRE_TLS_KEY belong together."
            )
        if config.tls_key and (config.origin or "https:").startswith("http:"):
            raise Misconfigured(
                "CAMPFIRE_ORIGIN must be https with CAMPFIRE_TLS_CERTIFICATE."
            )
        if not 1 <= config.workers <= MOST_WORKERS:
            raise Misconfigured(
                f"CAMPFIRE_WORKERS must be between 1 and {MOST_WORKERS}."
            )
        if config.workers > 1 and config.broker is None:
            raise Misconfigured(
                "CAMPFIRE_BROKER must say where several workers talk, "
                "such as redis://127.0.0.1:6379."
            )
        if config.backups_kept < 1:
            raise Misconfigured("CAMPFIRE_BACKUPS_KEPT must be at least 1.")
        if config.archive and config.backups is None:
            raise Misconfigured("CAMPFIRE_ARCHIVE needs CAMPFIRE_BACKUPS.")
        return config


def parsed(variable: str, value: str) -> Any:
    """The value of a variable, as its field wants it."""
    if not value:
        raise Misconfigured(
            f"{variable} must be something; leave it out for the default."
        )
    match variable.removeprefix(PREFIX):
        case (
            "PORT"
            | "LARGEST_FILE"
            | "FILES_PER_PERSON"
            | "BACKUPS_KEPT"
            | "WORKERS"
            | "UNDELETE_DAYS"
        ):
            if not (value.isascii() and value.isdecimal() and len(value) < 9):
                raise Misconfigured(f"{variable} must be a number.")
            return int(value)
        case "DATA" | "LOG_FILE" | "TLS_CERTIFICATE" | "TLS_KEY":
            return Path(value)
        case "BACKUPS":
            return None if value == "off" else Path(value)
        case "ORIGIN":
            return origin(variable, value)
        case "BASE":
            path = value.removesuffix("/")
            if not BASE.fullmatch(path):
                raise Misconfigured(f"{variable} must be a path such as /chat.")
            return path
        case "CORS_ORIGINS":
            return tuple(origin(variable, part.strip()) for part in value.split(","))
        case "TRUSTED_PROXIES":
            try:
                return tuple(
                    ip_network(part.strip()) for part in value.split(",") if part
                )
            except ValueError:
                raise Misconfigured(
                    f"{variable} must be networks such as 127.0.0.1/32."
                ) from None
        case "BROKER":
            if not value.startswith(BROKERS):
                raise Misconfigured(f"{variable} must look like redis://127.0.0.1.")
            return value
        case "LOG_FORMAT":
            if value not in ("json", "text"):
                raise Misconfigured(f"{variable} must be json or text.")
            return value
        case "RATE_LIMITS" | "ARCHIVE":
            if value not in ("on", "off"):
                raise Misconfigured(f"{variable} must be on or off.")
            return value == "on"
        case _:
            return value


def origin(variable: str, value: str) -> str:
    """Scheme, host and port as a browser writes them (RFC 6454)."""
    refused = Misconfigured(f"{variable} must look like https://chat.example.")
    try:
        url = urlsplit(value)
        port = url.port
    except ValueError:
        raise refused from None
    if (
        "*" in value
        or url.scheme not in USUAL_PORTS
        or not url.hostname
        or any(letter.isspace() for letter in value)
        or url.username is not None
        or url.query
        or url.fragment
    ):
        raise refused
    if url.path not in ("", "/"):
        raise Misconfigured(f"{refused} A path belongs into CAMPFIRE_BASE.")
    host = f"[{url.hostname}]" if ":" in url.hostname else url.hostname
    if port is None or port == USUAL_PORTS[url.scheme]:
        return f"{url.scheme}://{host}"
    return f"{url.scheme}://{host}:{port}"

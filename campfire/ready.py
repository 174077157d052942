"""`python -m campfire.ready`: asks the server of these settings whether it is ready.

For what watches a container. It is asked twice a minute, so it imports next to nothing.
"""

import sys
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Final
from urllib.parse import urlsplit

from campfire.config import Config, Misconfigured

PATIENCE: Final = 4.0
ANYWHERE: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}


def faults(config: Config) -> str:
    """What the server says of itself when it is not ready, empty when it is.

    Raises OSError and HTTPException where nobody answers.
    """
    headers = {"Accept": "application/json"}
    if config.origin:
        headers["Host"] = urlsplit(config.origin).netloc
    line = connection(config)
    try:
        line.request("GET", f"{config.base}/ready", headers=headers)
        answer = line.getresponse()
        said = answer.read().decode("utf-8", "replace")
        return "" if answer.status == 200 else said
    finally:
        line.close()


def connection(config: Config) -> HTTPConnection:
    """To this machine alone, so the name in its certificate is nothing to look at."""
    host = ANYWHERE.get(config.host, config.host)
    if config.tls_certificate is None:
        return HTTPConnection(host, config.port, timeout=PATIENCE)
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return HTTPSConnection(host, config.port, timeout=PATIENCE, context=context)


def main() -> int:
    """Answers with an exit code; what is wrong goes to standard error."""
    try:
        wrong = faults(Config.from_env())
    except (Misconfigured, OSError, HTTPException) as fault:
        wrong = f"{type(fault).__name__}: {fault}"
    if wrong:
        print(wrong, file=sys.stderr)
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())

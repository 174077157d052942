"""`python -m tests.outside.next_door PORT serve …` is the server with a wider way out.

It may ask this machine, on that one port, and takes every name for it. There is no
setting for this, so that nobody can make one by mistake.
"""

import sys
from functools import partial

from campfire import __main__, app
from campfire.outside.client import Client
from tests.outside.conftest import NEXT_DOOR

if __name__ == "__main__":
    client = Client(
        allowed=NEXT_DOOR, ports={int(sys.argv[1])}, lookup=lambda name: ["127.0.0.1"]
    )
    app.create = partial(app.create, client=client)
    sys.exit(__main__.main(sys.argv[2:]))

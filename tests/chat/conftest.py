"""A stage that can be set many times in one test: for properties."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest

from campfire.database import Tx, connect, migrate
from tests.conftest import set_the_stage

Stage = Callable[[], AbstractContextManager[Tx]]


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """`with stage() as tx`: the cast as it was, whatever was done to it before."""
    path = tmp_path_factory.mktemp("stage") / "campfire.sqlite3"
    connection = connect(path)
    migrate(connection, path)
    connection.execute("BEGIN IMMEDIATE")
    set_the_stage(Tx(connection, {}))

    @contextmanager
    def stage() -> Iterator[Tx]:
        connection.execute("SAVEPOINT stage")
        try:
            yield Tx(connection, {})
        finally:
            connection.execute("ROLLBACK TO stage; RELEASE stage")

    yield stage
    connection.execute("ROLLBACK")
    connection.close()

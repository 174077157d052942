"""The page of jobs: what it tells administrators, and what it keeps to itself."""

import time
from typing import Any

import pytest
from aiohttp.test_utils import TestServer

from campfire.chat import deliveries, jobs, push
from campfire.chat.previews import KIND as PREVIEW
from campfire.database import Database, Tx
from campfire.web.jobs import age
from campfire.web.keys import DB
from tests.conftest import SignIn
from tests.web.conftest import HTML, Browse

SECRETS = ("hush", "Tell nobody", "page.example")


def give_up(tx: Tx, kind: str, destination: str, key: str) -> int:
    """As the runner does, in one transaction, so that it is not there first."""
    payload = {"subscription_id": 1, "user_id": 1, "words": "Tell nobody"}
    jobs.add(tx, kind, destination, key, payload)
    (job,) = jobs.lease(tx, kind, jobs.clock(), most=1, each=1, lasts=1_000).jobs
    jobs.failed(tx, job, jobs.clock(), "502", waits=())
    return job.id


@pytest.fixture
async def dead(server: TestServer) -> list[int]:
    """One of each kind, the newest last."""
    assert server.app is not None
    db: Database = server.app[DB]

    def give_all_up(tx: Tx) -> list[int]:
        return [
            give_up(tx, PREVIEW, "page.example", "hush 1"),
            give_up(tx, push.PUSH, "push.example", "hush 2"),
            give_up(tx, deliveries.KIND, "bot.example:8443", "hush 3"),
        ]

    return await db.write(give_all_up)


async def overview(client: Any) -> dict[str, Any]:
    answer = await client.get("/account/jobs")
    assert answer.status == 200
    found: dict[str, Any] = await answer.json()
    return found


async def test_a_program_sees_what_is_given_up_and_tries_it_again(
    sign_in: SignIn, dead: list[int]
) -> None:
    client = (await sign_in("David")).client
    found = await overview(client)
    assert [(each["id"], each["destination"]) for each in found["dead"]] == [
        (dead[2], "bot.example:8443"),
        (dead[1], "push.example"),
        (dead[0], None),
    ]
    assert [each["dead"] for each in found["queues"]] == [1, 1, 1]
    assert found["dead"][0]["fault"] == "502"
    assert (await client.delete(f"/account/jobs/{dead[2]}")).status == 204
    assert (await client.post(f"/account/jobs/{dead[1]}/retry")).status == 202
    left = await overview(client)
    assert [each["id"] for each in left["dead"]] == [dead[0]]
    for path in (f"/account/jobs/{dead[2]}/retry", f"/account/jobs/{dead[1]}/retry"):
        assert (await client.post(path)).status == 404


async def test_the_page_does_the_same_without_scripts(
    browse: Browse, dead: list[int]
) -> None:
    david = await browse("David")
    page = await (await david.get("/account/jobs")).text()
    for words in ("bot.example:8443", "push.example", "Previews of links", "502"):
        assert words in page
    assert page.count(">Try again</button>") == 3
    for act in (f"{dead[2]}/delete", f"{dead[1]}/retry", f"{dead[0]}/delete"):
        assert f'action="/account/jobs/{act}"' in page
        answer = await david.post(f"/account/jobs/{act}")
        assert answer.url.path == "/account/jobs" and answer.status == 200
    assert "Given up" not in await answer.text()


async def test_nothing_of_what_is_sent_is_told(
    sign_in: SignIn, dead: list[int]
) -> None:
    client = (await sign_in("David")).client
    for headers in (HTML, {}):
        text = await (await client.get("/account/jobs", headers=headers)).text()
        assert "push.example" in text
        assert [secret for secret in SECRETS if secret in text] == []


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        *((0, "a moment"), (1, "1 second"), (59, "59 seconds"), (60, "1 minute")),
        *((7_200, "2 hours"), (86_400, "1 day"), (900_000, "10 days")),
        (-5, "a moment"),
    ],
)
def test_an_age_is_told_in_its_largest_unit(
    seconds: int, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time, "time_ns", lambda: 1_000_000_000 * 1_000_000)
    assert age((1_000_000 - seconds) * 1_000) == words

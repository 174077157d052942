"""Previews from real pages on this machine: kept, left out, asked for once."""

import asyncio
import io
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial

import pytest
from PIL import Image

from campfire.chat import jobs, messages, previews, richtext
from campfire.chat.messages import Message
from campfire.chat.parts import Preview
from campfire.chat.previews import KIND
from campfire.database import Database, Event
from campfire.outside.client import Client
from campfire.outside.jobs import Runner
from campfire.outside.previews import SIZE, Previews, size, spoken_for
from campfire.web import pictures
from tests.conftest import ALL_PETS, JZ
from tests.outside.conftest import Serve, answered, neighbour, sent_to

HEARS = 10.0


def picture(width: int = 900, height: int = 600, format: str = "PNG") -> bytes:
    made = io.BytesIO()
    Image.new("RGB", (width, height), "teal").save(made, format)
    return made.getvalue()


def page(picture: str = "", title: str = "A page") -> bytes:
    image = f'<meta property="og:image" content="{picture}">' if picture else ""
    about = '<meta name="description" content="About it">'
    return answered(f"<title>{title}</title>{about}{image}")


def site(**answers: bytes) -> Callable[[str, asyncio.StreamWriter], Awaitable[None]]:
    """Answers by the first word of the path."""

    async def answer(path: str, writer: asyncio.StreamWriter) -> None:
        writer.write(answers[path.strip("/").partition("?")[0] or "page"])

    return answer


Unfold = Callable[..., Awaitable[Message]]


@pytest.fixture
async def unfold(db: Database, events: list[Event]) -> AsyncIterator[Unfold]:
    """`await unfold(client, url)` posts the link, and waits until its job is over."""
    runners: list[Runner] = []
    made: dict[int, Previews] = {}

    async def unfold(client: Client, *urls: str, user: int = JZ) -> Message:
        if id(client) not in made:
            remake = partial(pictures.remade, shape="fit", size=SIZE, format="WEBP")
            made[id(client)] = Previews(db, client, remake)
            runner = Runner(db, {KIND: made[id(client)].kind})
            runners.append(runner)

            def publish(event: Event) -> None:
                events.append(event)
                runner.hear(event)

            db.publish = publish
        draft = richtext.draft(" ".join(urls))
        client_id = messages.client_message_id(None)
        message, _ = await db.write(messages.post, user, ALL_PETS, draft, client_id)
        async with asyncio.timeout(HEARS):
            while await db.read(lambda db: db.value("SELECT count(*) FROM jobs")):
                await asyncio.sleep(0.01)
        return await db.read(messages.find, user, ALL_PETS, message.id)

    yield unfold
    for runner in runners:
        await runner.close()


async def test_a_page_has_a_card_with_our_own_picture(
    db: Database, serve: Serve, unfold: Unfold
) -> None:
    shown = answered(picture(), "image/png")
    receiver = await serve(site(page=page("/shown"), shown=shown))
    message = await unfold(neighbour(receiver), receiver.url("/page?a=1"))
    (card,) = message.previews
    assert card == Preview(
        id=card.id,
        url=receiver.url("/page?a=1"),
        site=f"page.example:{receiver.port}",
        title="A page",
        description="About it",
        image_width=640,
        image_height=427,
    )
    data = await db.read(previews.picture, JZ, card.id)
    assert data[:4] == b"RIFF" and data[8:12] == b"WEBP"
    assert Image.open(io.BytesIO(data)).size == (640, 427)
    assert message.edited_at is None and message.seq == 2


async def test_the_link_is_the_one_that_was_typed(serve: Serve, unfold: Unfold) -> None:
    url = '<meta property="og:url" content="https://bank.example/">'
    there = await serve(answered(f"<title>There</title>{url}"))
    here = await serve(sent_to(there.url(host="there.example")))
    (card,) = (await unfold(neighbour(here, there), here.url())).previews
    assert (card.url, card.title) == (here.url(), "There")
    assert card.site == f"page.example:{here.port}"


@pytest.mark.parametrize(
    "answer",
    [
        answered("<title>T</title>", status="404 Not Found"),
        answered("<title>T</title>", "text/plain"),
        answered("<title>T</title>", "application/zip"),
        answered(""),
        answered("<p>Nothing"),
        sent_to("http://10.0.0.1/"),
    ],
)
async def test_what_is_no_page_has_no_card(
    serve: Serve, unfold: Unfold, events: list[Event], answer: bytes
) -> None:
    receiver = await serve(answer)
    message = await unfold(neighbour(receiver), receiver.url())
    assert message.previews == ()
    assert receiver.connections == 1
    assert not [event for event in events if isinstance(event, messages.Edited)]


@pytest.mark.parametrize(
    "shown",
    [
        answered("<svg xmlns='http://www.w3.org/2000/svg'/>", "image/svg+xml"),
        answered(b"<svg/>", "image/png"),
        answered(picture()[:200], "image/png"),
        answered(picture(1, 1), "image/png"),
        answered(picture(), "text/html"),
        answered(picture(format="BMP"), "image/png"),
        answered(bytes(5 * 1024 * 1024 + 1), "image/png"),
        answered(picture(), "image/png", "404 Not Found"),
        sent_to("http://[::1]/"),
    ],
)
async def test_a_card_does_without_a_picture_that_is_none(
    serve: Serve, unfold: Unfold, shown: bytes
) -> None:
    receiver = await serve(site(page=page("/shown"), shown=shown))
    (card,) = (await unfold(neighbour(receiver), receiver.url("/page"))).previews
    assert (card.title, card.image_url) == ("A page", None)
    assert receiver.connections == 2


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "data:image/png;base64,AA==", "http://[::1]:{port}/"]
)
async def test_a_picture_is_asked_for_nowhere_that_a_page_is_not(
    serve: Serve, unfold: Unfold, url: str
) -> None:
    async def answer(path: str, writer: asyncio.StreamWriter) -> None:
        writer.write(page(url.format(port=receiver.port)))

    receiver = await serve(answer)
    (card,) = (await unfold(neighbour(receiver), receiver.url())).previews
    assert card.image_url is None
    assert receiver.connections == 1


@pytest.mark.parametrize("format", ["JPEG", "GIF", "WEBP"])
async def test_a_picture_comes_in_four_kinds(
    serve: Serve, unfold: Unfold, format: str
) -> None:
    shown = answered(picture(64, 48, format), f"image/{format.lower()}")
    receiver = await serve(site(page=page("/shown"), shown=shown))
    (card,) = (await unfold(neighbour(receiver), receiver.url("/page"))).previews
    assert (card.image_width, card.image_height) == (64, 48)


async def test_a_large_page_is_read_as_far_as_its_head(
    serve: Serve, unfold: Unfold
) -> None:
    receiver = await serve(answered("<title>Large</title>" + "x" * 3_000_000))
    (card,) = (await unfold(neighbour(receiver), receiver.url())).previews
    assert card.title == "Large"


# Once


async def test_many_who_want_the_same_page_ask_once(
    db: Database, serve: Serve, unfold: Unfold
) -> None:
    receiver = await serve(page())
    client = neighbour(receiver)
    url = receiver.url()
    shown = await asyncio.gather(*(unfold(client, url) for _ in range(5)))
    assert [len(message.previews) for message in shown] == [1] * 5
    assert receiver.connections == 1


async def test_a_page_that_is_not_there_is_not_asked_again_soon(
    serve: Serve, unfold: Unfold, monkeypatch: pytest.MonkeyPatch
) -> None:
    receiver = await serve(answered("", status="404 Not Found"))
    client, url = neighbour(receiver), receiver.url()
    await unfold(client, url)
    await unfold(client, url)
    assert receiver.connections == 1
    monkeypatch.setattr("campfire.outside.previews.SECONDS_WITHOUT", 0.0)
    for _ in range(2):
        await unfold(client, receiver.url("/later"))
    assert receiver.connections == 3


async def test_one_person_has_twenty_pages_asked_for_in_a_minute(
    serve: Serve, unfold: Unfold
) -> None:
    receiver = await serve(page())
    client = neighbour(receiver)
    for number in range(8):
        paths = (receiver.url(f"/{3 * number + each}") for each in range(3))
        await unfold(client, *paths)
    assert receiver.connections == 20
    await unfold(client, receiver.url("/x"), user=1)
    assert receiver.connections == 21


async def test_an_edit_while_the_page_is_on_its_way_has_no_card(
    db: Database, serve: Serve, unfold: Unfold
) -> None:
    go_on = asyncio.Event()

    async def answer(path: str, writer: asyncio.StreamWriter) -> None:
        await go_on.wait()
        writer.write(page())

    receiver = await serve(answer)
    unfolding = asyncio.ensure_future(unfold(neighbour(receiver), receiver.url()))
    await receiver.asked.wait()
    draft = richtext.draft("Never mind")
    await db.write(messages.edit, JZ, ALL_PETS, 1, draft)
    go_on.set()
    assert (await unfolding).previews == ()


async def test_a_bug_is_tried_again_and_kept(db: Database, serve: Serve) -> None:
    receiver = await serve(page())

    class Broken(Previews):
        async def _fetched(self, url: str) -> None:
            raise ArithmeticError

    async def remake(data: bytes) -> bytes:
        return data

    draft = richtext.draft(receiver.url())
    await db.write(messages.post, JZ, ALL_PETS, draft, "x")
    lease = await db.write(
        partial(jobs.lease, most=1, each=1, lasts=1_000), KIND, jobs.clock()
    )
    with pytest.raises(ArithmeticError):
        await Broken(db, neighbour(receiver), remake).handle(lease.jobs[0])
    assert await db.read(lambda db: db.value("SELECT count(*) FROM jobs")) == 1


# Whom to ask


@pytest.mark.parametrize(
    ("url", "asked"),
    [
        ("https://x.com/a/status/1?s=2", "https://fxtwitter.com/a/status/1?s=2"),
        ("https://www.Twitter.com/a", "https://fxtwitter.com/a"),
        ("https://x.com/", "https://x.com/"),
        ("https://x.com.example/a", "https://x.com.example/a"),
        ("https://notx.com/a", "https://notx.com/a"),
        ("https://x.com@y.example/a", "https://x.com@y.example/a"),
        ("http://[", "http://["),
    ],
)
def test_somebody_else_speaks_for_twitter(url: str, asked: str) -> None:
    assert spoken_for(url) == asked


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
@pytest.mark.parametrize("is_lossless", [True, False])
def test_the_size_of_a_picture_is_in_its_head(mode: str, is_lossless: bool) -> None:
    made = io.BytesIO()
    image = Image.new(mode, (417, 33), (1, 2, 3, 4)[: len(mode)])
    image.save(made, "WEBP", lossless=is_lossless)
    assert size(made.getvalue()) == (417, 33)

"""How things look from outside: as JSON, as fragments of HTML, as frames.

What leads somewhere begins with the `base`, the path below which Campfire is.
One rendering serves every viewer; what is personal is added in the browser. The match
that words an event is the one place where a new event must find its frame.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final, assert_never

import jinja2
import jinja2.meta
import orjson
from jinja2.ext import Extension
from markupsafe import Markup, escape

from campfire.chat import (
    accounts,
    boosts,
    memberships,
    messages,
    richtext,
    rooms,
    sessions,
    sounds,
    users,
)
from campfire.chat.deliveries import Delivery
from campfire.chat.inbox import Entry
from campfire.chat.memberships import Membership
from campfire.chat.messages import Message, Removal
from campfire.chat.parts import Attachment, Boost, Preview
from campfire.chat.rooms import Room
from campfire.chat.searches import Hit
from campfire.chat.sessions import SignIn
from campfire.chat.sounds import Sound
from campfire.chat.users import User
from campfire.database import Event

FRAGMENTS: Final = 2_048
WORTH_KEEPING: Final = 8_192
FACES: Final = 3
NAMES: Final = 10
OPENING: Final = 200
ONE_LINK: Final = re.compile(r"<p><a [^>]*>[^\s<]+</a></p>\s*")
# As `richtext.shown_html` makes it; nobody else's link has a class.
CHIP: Final = re.compile(
    r'<a class="mention" href="/users/\d+" data-user-id="\d+">([^<]*)</a>'
)
SCHEMES: Final = ("http://", "https://", "www.")

Announced = (
    messages.Posted
    | messages.Edited
    | messages.Removed
    | boosts.Added
    | boosts.Removed
    | memberships.Read
    | memberships.Revoked
    | rooms.Created
    | rooms.Changed
    | rooms.Granted
    | rooms.Removed
    | accounts.Changed
    | users.Changed
    | sessions.Started
    | sessions.Ended
    | users.Joined
)


class Constants(Extension):
    """Writes into a template what never changes, when Jinja compiles it: the base, a
    hundred times in a page, would be looked up and escaped each time."""

    def preprocess(
        self, source: str, name: str | None, filename: str | None = None
    ) -> str:
        return source.replace("{{ base }}", str(self.environment.globals["base"]))


def icon(sprite: str, name: str, more: str = "") -> Markup:
    """A drawing of the sprite, with more classes. Decoration: the words beside it,
    or the label of its button, say what it means.

    Its arguments are of templates, never of people. As a filter of a constant it is
    made once, when Jinja compiles the template.
    """
    classes = f"icon {more}" if more else "icon"
    href = f"{sprite}#icon-{name}"
    return Markup(
        f'<svg class="{classes}" aria-hidden="true"><use href="{href}"></use></svg>'
    )


def time(milliseconds: int) -> str:
    """RFC 3339, in UTC, to the millisecond."""
    moment = datetime.fromtimestamp(milliseconds / 1000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{milliseconds % 1000:03d}Z"


def user(user: User, base: str) -> dict[str, Any]:
    return {
        "id": user.id,
        "name": user.name,
        "role": user.role,
        "status": user.status,
        "bio": user.bio,
        "avatar_url": f"{base}{user.avatar_url}",
    }


def me(person: User, email_address: str | None, base: str) -> dict[str, Any]:
    return user(person, base) | {"email_address": email_address}


def sign_in(sign_in: SignIn, session_id: int) -> dict[str, Any]:
    return {
        "id": sign_in.id,
        "ip_address": sign_in.ip_address,
        "user_agent": sign_in.user_agent,
        "created_at": time(sign_in.created_at),
        "last_active_at": time(sign_in.last_active_at),
        "current": sign_in.id == session_id,
    }


def membership(membership: Membership) -> dict[str, Any]:
    return {
        "involvement": membership.involvement,
        "last_read_id": membership.last_read_id,
        "unread_count": membership.unread_count,
        "starred": membership.starred,
    }


def room(room: Room) -> dict[str, Any]:
    return {
        "id": room.id,
        "kind": room.kind,
        "name": room.name,
        "creator_id": room.creator_id,
        "created_at": time(room.created_at),
        "seq": room.seq,
        "last_message_id": room.last_message_id,
        "membership": membership(room.membership),
    }


def message_url(message: Message) -> str:
    return f"/rooms/{message.room_id}/@{message.id}"


def message(message: Message, base: str) -> dict[str, Any]:
    edited_at = message.edited_at
    return {
        "id": message.id,
        "room_id": message.room_id,
        "client_message_id": message.client_message_id,
        "seq": message.seq,
        "body": {
            "source": message.source,
            "html": richtext.below(base, message.html),
            "plain": message.plain,
        },
        "creator": user(message.creator, base),
        "created_at": time(message.created_at),
        "edited_at": None if edited_at is None else time(edited_at),
        "mentions": list(message.mentions),
        "attachments": [attachment(each, base) for each in message.attachments],
        "preview": preview(message.previews[0], base) if message.previews else None,
        "boosts": [boost(each) for each in message.boosts],
        "url": f"{base}{message_url(message)}",
    }


def attachment(attachment: Attachment, base: str) -> dict[str, Any]:
    thumbnail_url = attachment.thumbnail_url
    return {
        "id": attachment.id,
        "filename": attachment.filename,
        "content_type": attachment.content_type,
        "byte_size": attachment.byte_size,
        "width": attachment.width,
        "height": attachment.height,
        "url": f"{base}{attachment.url}",
        "thumbnail_url": thumbnail_url and f"{base}{thumbnail_url}",
    }


def preview(preview: Preview, base: str) -> dict[str, Any]:
    return {
        "id": preview.id,
        "url": preview.url,
        "site": preview.site,
        "title": preview.title,
        "description": preview.description,
        "image_url": preview.image_url and f"{base}{preview.image_url}",
    }


def boost(boost: Boost) -> dict[str, Any]:
    return {
        "id": boost.id,
        "message_id": boost.message_id,
        "content": boost.content,
        "booster": {"id": boost.booster.id, "name": boost.booster.name},
        "created_at": time(boost.created_at),
    }


def delivery(delivery: Delivery) -> dict[str, Any]:
    return {
        "id": delivery.id,
        "message_id": delivery.message_id,
        "status": delivery.state,
        "attempts": delivery.attempts,
        "answered": delivery.has_reply,
        "at": time(delivery.created_at),
        "code": delivery.code,
        "fault": delivery.fault or None,
        "took_ms": delivery.took,
    }


def removal(removal: Removal) -> dict[str, Any]:
    return {"id": removal.id, "seq": removal.seq}


@dataclass(frozen=True, slots=True)
class Pill:
    """Equal boosts together: a few faces and names, and whose each of them is."""

    content: str
    faces: Sequence[User]
    more: int
    names: str
    ids: str

    @classmethod
    def of(cls, content: str, boosts: Sequence[Boost]) -> "Pill":
        boosters = [boost.booster for boost in boosts]
        names = [booster.name for booster in boosters[:NAMES]]
        if others := len(boosters) - len(names):
            names.append("one other" if others == 1 else f"{others} others")
        return cls(
            content,
            boosters[:FACES],
            max(0, len(boosters) - FACES),
            " and ".join(filter(None, (", ".join(names[:-1]), names[-1]))),
            " ".join(f"{boost.id}:{boost.booster.id}" for boost in boosts),
        )


def pills(boosts: Iterable[Boost]) -> list[Pill]:
    """In the order in which each was first given."""
    equal: dict[str, list[Boost]] = {}
    for boost in boosts:
        equal.setdefault(boost.content, []).append(boost)
    return [Pill.of(content, given) for content, given in equal.items()]


@dataclass(frozen=True, slots=True)
class Shown:
    """A message as the template wants it."""

    id: int
    room_id: int
    client_message_id: str
    seq: int
    html: Markup
    sound: Sound | None
    creator: User
    created_at: str
    created_ms: int
    edited_at: str | None
    mentions: Iterable[int]
    calls_everyone: bool
    boosts: Sequence[Pill]
    attachments: Sequence[Attachment]
    previews: Iterable[Preview]
    is_only_link: bool
    url: str

    @classmethod
    def of(cls, message: Message, base: str) -> "Shown":
        edited_at = message.edited_at
        return cls(
            id=message.id,
            room_id=message.room_id,
            client_message_id=message.client_message_id,
            seq=message.seq,
            # Sanitized by chat/richtext.
            html=Markup(richtext.below(base, message.html)),
            sound=sounds.sound_of(message.plain),
            creator=message.creator,
            created_at=time(message.created_at),
            created_ms=message.created_at,
            edited_at=None if edited_at is None else time(edited_at),
            mentions=message.mentions,
            calls_everyone=message.calls_everyone,
            boosts=pills(message.boosts),
            attachments=message.attachments,
            previews=message.previews,
            is_only_link=is_only_link(message),
            url=message_url(message),
        )


def is_only_link(message: Message) -> bool:
    """Whether its words are an address alone, and a card says where that leads."""
    if len(message.previews) != 1 or not ONE_LINK.fullmatch(message.html):
        return False
    words = message.plain
    is_whole = words.lower().startswith(SCHEMES)
    return is_whole or message.previews[0].url.endswith(f"//{words}")


def hit(hit: Hit, base: str) -> dict[str, Any]:
    return {
        "message": message(hit.message, base),
        "room": {"id": hit.message.room_id, "name": hit.room_name},
        "snippet": snippet(hit),
    }


def alone(html: str) -> Markup:
    """The words of a message where there is no Campfire to visit people in."""
    return Markup(CHIP.sub(r'<span class="mention">\1</span>', html))


def snippet(hit: Hit) -> Markup:
    """What was found, with the words marked: escaped first, marked then."""
    words = str(escape(hit.snippet))
    marked = words.replace(richtext.OPEN, "<mark>").replace(richtext.CLOSE, "</mark>")
    return Markup(marked)  # Nobody can send the characters that are replaced.


def entry(entry: Entry, base: str) -> dict[str, Any]:
    """As a hit, because to a program it is the same: a message, and where it is."""
    return {
        "message": message(entry.message, base),
        "room": {"id": entry.message.room_id, "name": entry.room_name},
        "snippet": opening(entry.message),
    }


def opening(message: Message) -> Markup:
    """How the message begins, as one line; an answer after what it quotes."""
    _, _, own = message.plain.rpartition("\u201d\n\n")
    is_answer = message.plain.startswith("\u201c") and own
    words = " ".join((own if is_answer else message.plain)[: 2 * OPENING].split())
    return escape(words[:OPENING] + ("…" if len(words) > OPENING else ""))


class Renderer:
    """Renders with the application's templates; a message once for each version."""

    def __init__(self, environment: jinja2.Environment, base: str = "") -> None:
        self._environment = environment
        self._base = base
        self._message = environment.get_template("messages/_message.html")
        self._kept = lru_cache(FRAGMENTS)(self._fragment)

    def compile(self, template: str) -> None:
        """Makes it ready, and what it is made of: half of what the first page takes."""
        environment = self._environment
        environment.get_template(template)
        assert environment.loader is not None, "it has templates"
        source, *_ = environment.loader.get_source(environment, template)
        for part in jinja2.meta.find_referenced_templates(environment.parse(source)):
            if part is not None:
                self.compile(part)

    def page(self, template: str, **context: Any) -> str:
        return self._environment.get_template(template).render(**context)

    def fragment(self, message: Message) -> str:
        """The message as HTML, the same for everyone."""
        if len(message.html) > WORTH_KEEPING:
            return self._fragment(message)
        return self._kept(message)

    def fragments(self, messages: Iterable[Message]) -> str:
        return "".join(map(self.fragment, messages))

    def _fragment(self, message: Message) -> str:
        return self._message.render(message=Shown.of(message, self._base))

    def present(self, event: Event, format: str, viewer: int) -> dict[str, Any]:
        """The event as it goes down a socket of the viewer's.

        What happens to messages is the same for everybody, and asked for once.
        """
        worded = self._worded(event, format, viewer)  # type: ignore[arg-type]
        return {"event": event.name} | worded

    def _worded(self, event: Announced, format: str, viewer: int) -> dict[str, Any]:
        match event:
            case messages.Posted() | messages.Edited():
                shown: dict[str, Any] = (
                    {"html": self.fragment(event.message)}
                    if format == "html"
                    else {"message": message(event.message, self._base)}
                )
                place = {"room_id": event.message.room_id, "seq": event.message.seq}
                return place | shown
            case messages.Removed():
                return {
                    "room_id": event.removal.room_id,
                    "seq": event.removal.seq,
                    "id": event.removal.id,
                    "client_message_id": event.removal.client_message_id,
                }
            case boosts.Added() | boosts.Removed():
                place = {"room_id": event.message.room_id, "seq": event.message.seq}
                if format == "html":
                    shown = {"html": self.fragment(event.message)}
                elif isinstance(event, boosts.Added):
                    shown = {"boost": boost(event.boost)}
                else:
                    shown = {"id": event.boost.id}
                return place | {"message_id": event.message.id} | shown
            case memberships.Read():
                return {
                    "room_id": event.room_id,
                    "message_id": event.last_read_id,
                    "last_read_id": event.last_read_id,
                    "unread_count": event.unread_count,
                    "mentioned": bool(event.calls),
                }
            case rooms.Created() | rooms.Changed() | rooms.Granted():
                seen = event.rooms[viewer]
                return {"room_id": seen.id, "room": room(seen)}
            case rooms.Removed() | memberships.Revoked():
                return {"room_id": event.room_id}
            case users.Changed():
                return {"user": user(event.user, self._base)}
            case accounts.Changed():
                return {"account": {"name": event.account.name}}
            case sessions.Started() | sessions.Ended() | users.Joined():
                raise LookupError(f"{event.name} is told to no socket")
            case _:
                assert_never(event)


def json(data: Any) -> str:
    return orjson.dumps(data).decode("utf-8")

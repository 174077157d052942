"""Replies: a message answers what it quotes, in its own room, as long as it does."""

import pytest

from campfire.chat import messages, richtext
from campfire.chat.messages import Message
from campfire.database import Tx
from tests.conftest import ALL_PETS, JZ, KEVIN, WATERCOOLER


def say(tx: Tx, text: str, user_id: int = JZ, room_id: int = ALL_PETS) -> Message:
    client_id = messages.client_message_id(None)
    return messages.post(tx, user_id, room_id, richtext.draft(text), client_id)[0]


def quoting(message: Message, words: str = "Yes", origin: str = "http://here") -> str:
    link = f"{origin}/rooms/{message.room_id}/@{message.id}"
    return f"> {message.source}\n>\n> — [JZ]({link})\n\n{words}"


def answered(tx: Tx, message: Message) -> list[tuple[int, int]]:
    return tx.rows(
        "SELECT answered_id, user_id FROM replies WHERE message_id = ?", (message.id,)
    )


def test_a_message_answers_what_it_quotes(tx: Tx) -> None:
    question = say(tx, "Is it lit?")
    answer = say(tx, quoting(question), KEVIN)
    assert answered(tx, answer) == [(question.id, JZ)]


def test_a_link_may_lead_below_a_path(tx: Tx) -> None:
    question = say(tx, "Is it lit?")
    answer = say(tx, quoting(question, origin="https://there/teams/chat"), KEVIN)
    assert answered(tx, answer) == [(question.id, JZ)]


def test_several_quotations_answer_several(tx: Tx) -> None:
    first, second = say(tx, "Is it lit?"), say(tx, "Is it warm?", KEVIN)
    answer = say(
        tx, quoting(first) + "\n\n" + quoting(second) + "\n\n" + quoting(first)
    )
    assert answered(tx, answer) == [(first.id, JZ), (second.id, KEVIN)]


@pytest.mark.parametrize(
    "text",
    [
        "see http://here/rooms/1/@{id}",
        "> see `http://here/rooms/1/@{id}`",
        "> [x](http://here/rooms/1/@{id}/more)",
        "> [x](http://here/rooms/2/@{id})",
        "> [x](http://here/rooms/1/messages/{id})",
        "> [x](http://here/rooms/1/@999999999999999999)",
        "> [x](http://here/?a=/rooms/1/@{id})",
    ],
)
def test_no_other_link_is_an_answer(tx: Tx, text: str) -> None:
    question = say(tx, "Is it lit?")
    assert answered(tx, say(tx, text.format(id=question.id), KEVIN)) == []
    assert answered(tx, say(tx, quoting(question), KEVIN)) != []


def test_what_is_in_another_room_is_not_answered_here(tx: Tx) -> None:
    secret = say(tx, "Is it lit?", room_id=WATERCOOLER)
    assert answered(tx, say(tx, quoting(secret), KEVIN)) == []
    pretending = quoting(secret).replace(
        f"/rooms/{WATERCOOLER}/", f"/rooms/{ALL_PETS}/"
    )
    assert answered(tx, say(tx, pretending, KEVIN)) == []


def test_an_edit_decides_anew(tx: Tx) -> None:
    question, other = say(tx, "Is it lit?"), say(tx, "Is it warm?")
    answer = say(tx, quoting(question), KEVIN)
    draft = richtext.draft(quoting(other))
    messages.edit(tx, KEVIN, ALL_PETS, answer.id, draft)
    assert answered(tx, answer) == [(other.id, JZ)]
    messages.edit(tx, KEVIN, ALL_PETS, answer.id, richtext.draft("Never mind"))
    assert answered(tx, answer) == []


def test_nothing_is_left_of_what_is_removed(tx: Tx) -> None:
    question = say(tx, "Is it lit?")
    answer, another = say(tx, quoting(question), KEVIN), say(
        tx, quoting(question), KEVIN
    )
    messages.remove(tx, KEVIN, ALL_PETS, another.id)
    assert messages.sweep(tx, 0)
    assert answered(tx, another) == []
    messages.remove(tx, JZ, ALL_PETS, question.id)
    assert messages.sweep(tx, 0)
    assert answered(tx, answer) == []

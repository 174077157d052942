"""Administration without a browser: `campfire users …`, also while the server runs."""

import argparse
import secrets
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from campfire.chat import accounts, passwords, users
from campfire.config import Config
from campfire.database import Unusable, applied, looked
from campfire.refusals import Refusal

FILE: Final = "campfire.sqlite3"
WORDS: Final = 16


def add_to(command: Any) -> None:
    """Adds `users` and what it can do to the command line."""
    about = "administration without a browser"
    actions = command.add_parser("users", help=about).add_subparsers(
        dest="action", required=True
    )
    for name, about in (
        ("list", "everybody, with address and role"),
        ("add", "let somebody in"),
        ("reset-password", "give somebody a new password"),
        ("promote", "make somebody an administrator"),
    ):
        action = actions.add_parser(name, help=about)
        action.add_argument("--data", type=Path, help="folder for what is kept")
        if name != "list":
            action.add_argument("email", help="their e-mail address")
        if name == "add":
            action.add_argument("--name", help="what they are called")
            action.add_argument("--administrator", action="store_true")


def run(given: argparse.Namespace, config: Config) -> None:
    """Does one of the actions. Raises Unusable with words for the operator."""
    file = config.data / FILE
    if not file.exists():
        raise Unusable(f"There is no Campfire in {config.data}.")
    try:
        ACTIONS[given.action](given, file)
    except Refusal as refusal:
        reasons = getattr(refusal, "errors", {}).values()
        raise Unusable(" ".join((refusal.detail, *reasons))) from None


def index(given: argparse.Namespace, file: Path) -> None:
    for person, address in looked(file, users.directory):
        status = "" if person.status == "active" else f" {person.status}"
        print(f"{address or '-'}\t{person.role}{status}\t{person.name}")


def add(given: argparse.Namespace, file: Path) -> None:
    password, is_made = chosen()
    name = given.name or given.email.partition("@")[0]
    name, address = users.require_new(name, given.email, password)
    role: users.Role = "administrator" if given.administrator else "member"
    applied(file, accounts.admit, name, address, passwords.hashed(password), role)
    tell(password, is_made)


def reset_password(given: argparse.Namespace, file: Path) -> None:
    password, is_made = chosen()
    user = looked(file, users.by_address, given.email)
    passwords.require_acceptable(password, given.email, user.name)
    applied(file, accounts.reset_password, user.id, passwords.hashed(password))
    tell(password, is_made)


def promote(given: argparse.Namespace, file: Path) -> None:
    user = looked(file, users.by_address, given.email)
    applied(file, accounts.promote, user.id)
    print(f"{user.name} is an administrator.")


def chosen() -> tuple[str, bool]:
    """A password from standard input, or one made here; never an argument."""
    typed = "" if sys.stdin.isatty() else sys.stdin.readline().rstrip("\r\n")
    return (typed, False) if typed else (secrets.token_urlsafe(WORDS), True)


def tell(password: str, is_made: bool) -> None:
    if is_made:
        print(f"password: {password}")


ACTIONS: Final[dict[str, Callable[[argparse.Namespace, Path], None]]] = {
    "list": index,
    "add": add,
    "reset-password": reset_password,
    "promote": promote,
}

"""The account, as every member may see it."""

import re

from tests.conftest import SignIn


async def test_every_member_may_invite(sign_in: SignIn) -> None:
    for name in ("David", "Kevin"):
        person = await sign_in(name)
        response = await person.client.get("/account")
        assert response.status == 200
        account = await response.json()
        assert account["name"] == "Campfire"
        assert isinstance(account["settings"], dict)
        assert re.fullmatch(
            r"http://127\.0\.0\.1:\d+/join/\w{4}-\w{4}-\w{4}", account["join_url"]
        )

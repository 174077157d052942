"""The doors: first run, sign in, sign out, and the way in by invitation."""

from tests.conftest import DAVID, SignIn


async def test_signing_out_kills_the_token_at_once(sign_in: SignIn) -> None:
    david = await sign_in("David")
    assert david.id == DAVID
    assert (await david.client.get("/rooms")).status == 200
    assert (await david.client.delete("/session")).status == 204
    assert (await david.client.get("/rooms")).status == 401

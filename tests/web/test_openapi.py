"""The document says what the server does: complete, valid, and tried at random."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import schemathesis
import schemathesis.specs.openapi.adapter.v2  # Or it comes in the midst of a test.
from aiohttp import ClientSession
from aiohttp.test_utils import TestServer
from hypothesis import HealthCheck, Phase, given, seed, settings
from openapi_spec_validator import OpenAPIV31SpecValidator, validate
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    response_schema_conformance,
    status_code_conformance,
)

from campfire.web import openapi
from campfire.web.openapi import name_of, offered
from tests.conftest import ALL_PETS, KEVIN, SignIn
from tests.web.conftest import posted

EXAMPLES = 4
# What would sign out who tries, or ends with the socket open.
UNTRIED = {
    *("DELETE /session", "DELETE /sessions", "GET /socket"),
    *("POST /users/{user_id}/ban", "DELETE /account/users/{user_id}"),
    *("PATCH /account/users/{user_id}", "PATCH /users/me"),
    *("DELETE /rooms/{room_id}", "DELETE /rooms/{room_id}/messages/{message_id}"),
    *("POST /rooms/{room_id}/leave", "PATCH /rooms/{room_id}"),
}


async def document(client: ClientSession) -> dict[str, Any]:
    response = await client.get("/openapi.json")
    assert response.status == 200
    document: dict[str, Any] = await response.json()
    return document


def test_every_route_is_described_and_nothing_else(server: TestServer) -> None:
    assert server.app is not None
    names = {name_of(route) for route in offered(server.app.router)}
    assert names - openapi.OPERATIONS.keys() == set(), "describe them in web/openapi.py"
    assert openapi.OPERATIONS.keys() - names == set(), "these are no routes"


def test_what_is_left_out_is_a_page(server: TestServer) -> None:
    assert server.app is not None
    routes = {name_of(route) for route in server.app.router.routes()}
    assert set() == openapi.PAGES - routes


async def test_it_is_valid_and_says_who_may_ask(client: ClientSession) -> None:
    said = await document(client)
    validate(said, cls=OpenAPIV31SpecValidator)
    assert said["openapi"] == "3.1.0"
    rooms = said["paths"]["/rooms"]
    assert rooms["get"]["security"] == [{"bearer": []}, {"cookie": []}]
    assert said["paths"]["/health"]["get"]["security"] == []
    schema = rooms["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert schema["required"] == ["kind"]
    again = await client.get("/openapi.json")
    headers = {"If-None-Match": again.headers["ETag"]}
    assert (await client.get("/openapi.json", headers=headers)).status == 304


async def test_what_it_says_is_true_when_it_is_tried(
    server: TestServer, client: ClientSession, sign_in: SignIn
) -> None:
    """A few requests for each operation, always the same ones."""
    david = await sign_in("David")
    message = await posted(david.client, "Hello, marshmallow")
    path = f"/messages/{message['id']}/boosts"
    await david.client.post(path, json={"content": "x"})
    said = await document(client)
    schema = schemathesis.openapi.from_dict(said)
    schema.config.update(base_url=str(server.make_url("/")).rstrip("/"))
    headers = {"Authorization": f"Bearer {david.token}", "Accept": "application/json"}
    tried: dict[str, set[int]] = {}

    def try_all() -> None:
        for result in schema.get_all_operations():
            assert isinstance(result, Ok), result
            operation = result.ok()
            name = f"{operation.method.upper()} {operation.path}"
            if name in UNTRIED or "{bot_key}" in name:
                continue

            @seed(1)
            @settings(
                max_examples=EXAMPLES,
                deadline=None,
                database=None,
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            )
            @given(case=operation.as_strategy())
            def try_one(case: Any) -> None:
                for part in case.path_parameters or {}:
                    if part in ("room_id", "message_id", "user_id"):
                        case.path_parameters[part] = ALL_PETS
                response = case.call(headers=headers, timeout=10)
                tried.setdefault(name, set()).add(response.status_code)
                case.validate_response(
                    response, checks=[not_a_server_error, response_schema_conformance]
                )

            try_one()

    await asyncio.to_thread(try_all)
    assert len(tried) > 50
    assert 200 in tried["GET /rooms/{room_id}/messages"]
    assert json.dumps(said).count("$ref") > 50


async def test_what_is_made_and_what_bots_get_is_as_it_says(
    server: TestServer, client: ClientSession, sign_in: SignIn
) -> None:
    """What requests made at random do not reach."""
    david = await sign_in("David")
    answer = await david.client.post("/account/bots", json={"name": "Bender"})
    key = (await answer.json())["bot_key"]
    schema = schemathesis.openapi.from_dict(await document(client))
    schema.config.update(base_url=str(server.make_url("/")).rstrip("/"))
    headers = {"Authorization": f"Bearer {david.token}", "Accept": "application/json"}
    keyed = "/rooms/{room_id}/{bot_key}/messages"
    message = keyed + "/{message_id}"
    words: dict[str, Any] = {"body": "x", "media_type": "text/plain"}

    def tried(
        method: str, path: str, ids: Mapping[str, Any] | None = None, **body: Any
    ) -> Any:
        parts = {"room_id": ALL_PETS, "bot_key": key, **(ids or {})}
        case = schema[path][method].Case(path_parameters=parts, **body)
        response = case.call(headers=headers, timeout=10)
        checks = [response_schema_conformance, status_code_conformance]
        case.validate_response(response, checks=checks)
        return response

    def try_all() -> None:
        direct = {"kind": "direct", "user_ids": [KEVIN]}
        for status in (201, 200):
            assert tried("POST", "/rooms", body=direct).status_code == status
        (location,) = tried("POST", keyed, **words).headers["location"]
        ids = {"message_id": int(location.rpartition("/")[2])}
        assert tried("GET", keyed).status_code == 200
        assert tried("PUT", message, ids, **words).status_code == 200
        for status in (201, 200):
            boosted = tried("POST", f"{message}/boosts", ids, **words)
            assert boosted.status_code == status
        url = tried("POST", "/session/transfers").json()["transfer_url"]
        way = {"token": url.rpartition("/")[2]}
        assert tried("GET", "/session/transfers/{token}", way).status_code == 200

    await asyncio.to_thread(try_all)

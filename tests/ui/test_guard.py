"""The guard before the server: who may ask, from where, and what every answer forbids."""

from __future__ import annotations

import asyncio
import base64
import json
from typing import Any

import pytest

from ui.guard import Guard, own_names


async def app(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": b"inside"})


def ask(
    guard: Guard, host: str = "127.0.0.1:7860", server: str = "127.0.0.1", path: str = "/", **headers: str
) -> tuple[int, dict, bytes]:
    """Status, headers and body of a GET that arrives at the address `server`."""
    lines = [(b"host", host.encode()), *((name.encode(), value.encode()) for name, value in headers.items())]
    scope = {"type": "http", "method": "GET", "path": path, "headers": lines, "server": (server, 7860)}
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(guard(scope, receive, send))
    return sent[0]["status"], dict(sent[0]["headers"]), sent[1]["body"]


@pytest.mark.parametrize("host", ["127.0.0.1:7860", "localhost:7860", "LOCALHOST", "[::1]:7860", "127.0.0.1:9000"])
def test_a_loopback_server_answers_to_loopback_names(host: str) -> None:
    assert ask(Guard(app, own_names("127.0.0.1")), host)[0] == 200


@pytest.mark.parametrize(
    "host", ["evil.example:7860", "127.0.0.1.evil.example", "192.168.1.7", "", "[::1", "0.0.0.0", "a@localhost:x"]
)
def test_a_loopback_server_answers_to_no_other_name(host: str) -> None:
    status, _, body = ask(Guard(app, own_names("127.0.0.1")), host)
    assert (status, b"inside" in body) == (421, False)


def test_a_server_for_the_network_answers_to_the_address_it_was_reached_at_and_to_no_foreign_one() -> None:
    guard = Guard(app, own_names("0.0.0.0"))
    assert ask(guard, "192.168.1.7:7860", server="192.168.1.7")[0] == 200
    assert ask(guard, "192.168.1.7:7860", server="::ffff:192.168.1.7")[0] == 200
    assert ask(guard, "192.168.1.8:7860", server="192.168.1.7")[0] == 421
    assert ask(guard, "rebound.example:7860", server="192.168.1.7")[0] == 421


@pytest.mark.parametrize("origin", ["http://127.0.0.1:7860", "https://127.0.0.1:7860"])
def test_own_pages_may_send_requests(origin: str) -> None:
    assert ask(Guard(app, own_names("127.0.0.1")), origin=origin)[0] == 200


@pytest.mark.parametrize(
    "origin",
    ["http://evil.example", "null", "http://127.0.0.1:8000", "http://127.0.0.1", "file://127.0.0.1:7860", "http://["],
)
def test_foreign_pages_may_not(origin: str) -> None:
    status, _, body = ask(Guard(app, own_names("127.0.0.1")), origin=origin)
    assert (status, b"inside" in body) == (403, False)


def basic(text: str) -> str:
    return "Basic " + base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    "wrong",
    ["", "Basic", basic("ada:wrong"), basic("ada"), basic(":secret"), "Bearer x", "Basic !!!", basic("ada:secretx")],
)
def test_with_a_password_nothing_is_told_to_who_does_not_know_it(wrong: str) -> None:
    guard = Guard(app, own_names("127.0.0.1"), auth="ada:secret")
    status, headers, body = ask(guard, **({"authorization": wrong} if wrong else {}))
    assert (status, b"inside" in body) == (401, False)
    assert headers[b"www-authenticate"].startswith(b"Basic ")


@pytest.mark.parametrize("password", ["secret", "with:colon", "größe"])
def test_the_right_password_opens(password: str) -> None:
    guard = Guard(app, own_names("127.0.0.1"), auth=f"ada:{password}")
    assert ask(guard, authorization=basic(f"ada:{password}"))[0] == 200


def test_every_answer_forbids_framing_and_foreign_content() -> None:
    guard = Guard(app, own_names("127.0.0.1"))
    for host in ("127.0.0.1", "evil.example"):
        _, headers, _ = ask(guard, host)
        policy = headers[b"content-security-policy"].decode()
        assert "frame-ancestors 'none'" in policy
        assert "default-src 'self'" in policy
        assert headers[b"x-frame-options"] == b"DENY"
        assert headers[b"x-content-type-options"] == b"nosniff"


def failing(body: bytes, raises: bool) -> Any:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 500, "headers": []})
        await send({"type": "http.response.body", "body": body})
        if raises:
            raise RuntimeError("as Starlette does after its answer")

    return app


@pytest.mark.parametrize("raises", [False, True])
@pytest.mark.parametrize(
    ("body", "detail"),
    [(b'{"error": "No such choice."}', "No such choice."), (b"Internal Server Error", "no call"), (b"[]", "no call")],
)
def test_a_wrong_call_of_gradios_interface_is_400(body: bytes, detail: str, raises: bool) -> None:
    guard = Guard(failing(body, raises), own_names("127.0.0.1"))
    status, headers, told = ask(guard, path="/gradio_api/run/predict")
    assert status == 400
    assert set(json.loads(told)) == {"error", "detail"}
    assert detail in json.loads(told)["detail"]
    assert headers[b"x-frame-options"] == b"DENY"


def test_a_failure_of_our_own_routes_stays_one() -> None:
    assert ask(Guard(failing(b"", False), own_names("127.0.0.1")), path="/studio/text_to_image")[0] == 500

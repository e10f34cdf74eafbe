"""The door keeper of the server: one ASGI middleware in front of everything, Gradio's routes and ours alike.

It answers only to the server's own names (a foreign page cannot reach it through DNS rebinding), refuses requests that
another site's page sends, asks for name and password where the settings have them, and forbids framing. A wrong call of
Gradio's own interface, which answers with 500, is answered with 400.
"""

from __future__ import annotations

import base64
import ipaddress
import json
import logging
import re
import secrets
import socket
from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = logging.getLogger(__name__)
_HOST = re.compile(r"(\[(?P<address>[0-9a-f:.]+)\]|(?P<name>[a-z0-9._-]+))(:\d{1,5})?")
LOOPBACK = ("localhost", "127.0.0.1", "::1")
HEADERS = (
    # Gradio builds its components with Function() and inline styles; everything else comes from this server alone.
    (
        b"content-security-policy",
        b"default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; style-src 'self' 'unsafe-inline'; "
        b"img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; worker-src 'self' blob:; "
        b"object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'",
    ),
    (b"x-frame-options", b"DENY"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
)


def own_names(host: str) -> frozenset[str]:
    """The names under which a server bound to `host` may be asked: loopback, `host`, and its machine's if it hears all.

    Addresses need no list: a connection tells at which one it arrived.
    """
    names = {*LOOPBACK, host.lower()}
    if host in ("0.0.0.0", "::", ""):
        names |= {socket.gethostname().lower(), socket.getfqdn().lower()}
    return frozenset(names - {"0.0.0.0", "::", ""})


class Guard:
    """Wraps `app`. names: accepted hosts, lower case, looked at with each request. auth: "user:password", or ""."""

    def __init__(self, app: ASGIApp, names: Collection[str], auth: str = "") -> None:
        self.app = app
        self.names = names
        self.token = base64.b64encode(auth.encode()) if auth else b""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        headers: dict[bytes, bytes] = dict(scope["headers"])
        host = headers.get(b"host", b"").decode("latin-1")
        if not self._is_ours(_name_of(host), scope):
            await _refuse(scope, send, 421, "misdirected", f"This server does not answer to the name {host!r}.")
        elif not _same_origin(headers.get(b"origin"), host):
            await _refuse(scope, send, 403, "foreign origin", "A page of another site may not use this server.")
        elif not self._is_known(headers.get(b"authorization", b"")):
            challenge = (b"www-authenticate", b'Basic realm="Latent Studio", charset="UTF-8"')
            await _refuse(scope, send, 401, "unauthorized", "Name and password, please.", challenge)
        elif scope["type"] == "http" and scope["path"].startswith("/gradio_api/"):
            await _without_500(self.app, scope, receive, _with_headers(send))
        else:
            await self.app(scope, receive, _with_headers(send))

    def _is_ours(self, name: str, scope: Scope) -> bool:
        """A listed name, or the address at which this connection arrived (which no other site can redirect)."""
        if name in self.names:
            return True
        server = (scope.get("server") or ("", None))[0]
        return bool(name) and _address(name) is not None and _address(name) == _address(server)

    def _is_known(self, authorization: bytes) -> bool:
        if not self.token:
            return True
        scheme, _, token = authorization.partition(b" ")
        return secrets.compare_digest(token.strip(), self.token) and scheme.lower() == b"basic"


def _name_of(host: str) -> str:
    """The name in a Host header, lower case, without its port or brackets; "" if it is no such header."""
    found = _HOST.fullmatch(host.lower())
    return found["address"] or found["name"] if found else ""


def _same_origin(origin: bytes | None, host: str) -> bool:
    """Whether a request of this Origin comes from our own page; without one it is a plain visit, or no page's."""
    if origin is None:
        return True
    try:
        parts = urlsplit(origin.decode("latin-1"))
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and parts.netloc.lower() == host.lower()


def _address(name: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return None
    mapped = getattr(address, "ipv4_mapped", None)
    return mapped or address


def _with_headers(send: Send) -> Send:
    async def wrapped(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", ()), *HEADERS]}
        await send(message)

    return wrapped


async def _without_500(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """Let Gradio answer; where it fails over a call that no page makes, say so with 400 and Gradio's own words."""
    failed: list[bytes] = []

    async def wrapped(message: Message) -> None:
        if message["type"] == "http.response.start" and message["status"] >= 500:
            failed.append(b"")
        elif failed and message["type"] == "http.response.body":
            failed.append(message.get("body", b""))
        else:
            await send(message)

    try:
        await app(scope, receive, wrapped)
    except Exception as error:
        if not failed:
            raise
        log.warning("%s: %s", scope["path"], error)
    if failed:
        await _answer(send, 400, "wrong request", _words_of(b"".join(failed)))


def _words_of(body: bytes) -> str:
    """The sentence in one of Gradio's error answers."""
    try:
        data = json.loads(body)
    except ValueError:
        data = None
    said = data.get("error") if isinstance(data, dict) else None
    return str(said or "This is no call that the page makes.")


async def _refuse(scope: Scope, send: Send, status: int, error: str, detail: str, *extra: tuple[bytes, bytes]) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008})
        return
    await _answer(_with_headers(send), status, error, detail, *extra)


async def _answer(send: Send, status: int, error: str, detail: str, *extra: tuple[bytes, bytes]) -> None:
    body = json.dumps({"error": error, "detail": detail}).encode()
    length = str(len(body)).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", length), *extra]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})

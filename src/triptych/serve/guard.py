"""Who may ask: the host, the token and the origin of each request, and the headers of each answer."""

import secrets
from collections.abc import Collection, Iterator
from urllib.parse import urlsplit

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_SAFE_METHODS = ("GET", "HEAD")
_BEARER = "bearer"
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
"""Of every answer that does not set them itself."""


class Guard:
    """Refuses requests that were not meant for this server, and those of other pages and people.

    Args:
        app: The application.
        hosts: Names of this server in the header `Host`. Any other comes from a page whose own name was pointed at this
            machine (DNS rebinding). None admits all.
        token: What a request must know. It stands in the header `Authorization: Bearer TOKEN`; or in the address
            `/?token=TOKEN`, whose answer sets a cookie for what the page asks. None admits all.
    """

    def __init__(self, app: ASGIApp, hosts: Collection[str] | None, token: str | None) -> None:
        self.app, self.hosts, self.token = app, hosts, token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request = Request(scope)
        refusal = self._refusal(request)
        cookie = self._cookie(request) if refusal is None else None

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(raw=[*message["headers"]])  # a response may be sent to others too
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
                if cookie is not None:
                    headers.append("Set-Cookie", cookie)
                message = {**message, "headers": headers.raw}
            await send(message)

        await (refusal or self.app)(scope, receive, send_guarded)

    def _refusal(self, request: Request) -> JSONResponse | None:
        host = request.headers.get("host", "")
        if self.hosts is not None and (name := _name_of(host)) not in self.hosts:
            return _refused(400, f"Host: expected {' or '.join(sorted(self.hosts))}, got {name or 'none'}.")
        if self.token is not None and not any(map(self._is_token, _tokens(request))):
            return _refused(
                401,
                "expected the token; open the address that the server printed, or send the header `Authorization: "
                "Bearer TOKEN`.",
                {"WWW-Authenticate": "Bearer"},
            )
        if request.method not in _SAFE_METHODS and not _is_own(request, host):
            return _refused(403, "expected a request of this server's own page, got one of another page.")
        return None

    def _is_token(self, text: str) -> bool:
        assert self.token is not None
        return secrets.compare_digest(text.encode(), self.token.encode())

    def _cookie(self, request: Request) -> str | None:
        """The header that keeps the token of an address; a script cannot read it, another page not send it."""
        if self.token is None or "token" not in request.query_params:
            return None
        return f"{_cookie_name(request)}={self.token}; HttpOnly; Path=/; SameSite=Strict"


def _name_of(host: str) -> str | None:
    """The name in a header `Host`, in lower case and without the port; None if there is none."""
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:
        return None


def _tokens(request: Request) -> Iterator[str]:
    """What a request gives as token."""
    kind, _, text = request.headers.get("authorization", "").partition(" ")
    if kind.lower() == _BEARER:
        yield text.strip()
    yield request.query_params.get("token", "")
    yield request.cookies.get(_cookie_name(request), "")


def _cookie_name(request: Request) -> str:
    """One for each port, since the ports of a machine share their cookies."""
    return f"triptych_{request.scope['server'][1]}"


def _is_own(request: Request, host: str) -> bool:
    """Whether a request comes from a program or from this server's own page, as browsers tell."""
    origin, site = request.headers.get("origin"), request.headers.get("sec-fetch-site", "none")
    return site in ("same-origin", "none") and (origin is None or origin.partition("://")[2] == host)


def _refused(status: int, sentence: str, headers: dict[str, str] | None = None) -> JSONResponse:
    return JSONResponse({"error": sentence}, status, headers)

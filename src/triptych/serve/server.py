"""Listens on an address and serves an application there until it is interrupted."""

import errno
import ipaddress
import socket
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from triptych.errors import UsageError

_LAST_PORT = 2**16 - 1
_SHUTDOWN_SECONDS = 5
_CONNECTIONS = 128


class Listener:
    """A socket that listens on an address of this machine; a context that closes it.

    Args:
        host: Name or number of the address.
        port: Number of the port; 0 takes any that is free.

    Raises:
        UsageError: There is no such address, or the port is not free.
    """

    def __init__(self, host: str, port: int) -> None:
        self.host, self.socket = host, _listen(host, port)

    def __enter__(self) -> "Listener":
        return self

    def __exit__(self, *_: Any) -> None:
        self.socket.close()

    @property
    def is_local(self) -> bool:
        """Whether no other machine reaches it."""
        return self._ip.is_loopback

    @property
    def names(self) -> set[str]:
        """Names by which a browser on this machine reaches it."""
        return {self.host.lower(), "127.0.0.1", "::1", "localhost"}

    @property
    def address(self) -> str:
        """Where a browser finds it."""
        host = socket.gethostname() if self._ip.is_unspecified else self.host
        return f"http://{f'[{host}]' if ':' in host else host}:{self.socket.getsockname()[1]}/"

    @property
    def _ip(self) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
        return ipaddress.ip_address(self.socket.getsockname()[0])


def _listen(host: str, port: int) -> socket.socket:
    if not 0 <= port <= _LAST_PORT:
        raise UsageError(f"--port: expected a number from 0 to {_LAST_PORT}, got {port}.")
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        return socket.create_server((str(address[0]), port), family=family, backlog=_CONNECTIONS)
    except socket.gaierror as error:
        raise UsageError(f"--host: expected an address of this machine, got {host!r} ({error.strerror}).") from error
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise UsageError(f"--host, --port: cannot listen on {host}, port {port} ({error.strerror}).") from error
        raise UsageError(
            f"--port: expected a free port, but {port} of {host} is in use; take another, or 0 for any that is free."
        ) from error


def run(app: ASGIApp, listener: Listener) -> None:
    """Serves an application until SIGINT or SIGTERM; answers that are begun are finished.

    Args:
        app: The application.
        listener: Where it is served.

    Raises:
        KeyboardInterrupt: After SIGINT.
    """
    config = uvicorn.Config(
        app,
        access_log=False,  # it would hold tokens
        limit_concurrency=_CONNECTIONS,
        log_level="warning",
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=_SHUTDOWN_SECONDS,
        ws="none",
    )
    uvicorn.Server(config).run(sockets=[listener.socket])

"""A Hugging Face hub on loopback that holds models in memory and answers the routes of a push and a fetch."""

import base64
import contextlib
import hashlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from huggingface_hub import constants

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class FakeHub:
    """The models by name: the content of each file."""

    def __init__(self) -> None:
        self.models: dict[str, dict[str, bytes]] = {}

    def create(self, name: str) -> None:
        self.models.setdefault(name, {})

    def commit(self, name: str, lines: list[str]) -> None:
        for line in map(json.loads, lines):
            if line["key"] == "file":
                self.models[name][line["value"]["path"]] = base64.b64decode(line["value"]["content"])


class _Handler(BaseHTTPRequestHandler):
    hub: FakeHub

    def log_message(self, *_: object) -> None:
        """Prints nothing."""

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        parts = self.path.partition("?")[0].strip("/").split("/")
        if parts[:2] == ["api", "models"]:
            self._describe("/".join(parts[2:4]), parts[4:])
        else:
            self._file("/".join(parts[:2]), parts[-1])

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        parts = self.path.partition("?")[0].strip("/").split("/")
        if parts == ["api", "repos", "create"]:
            sent = json.loads(body)
            name = f"{sent.get('organization', 'me')}/{sent['name']}"
            self.hub.create(name)
            self._json({"url": f"{constants.ENDPOINT}/{name}"})
        elif parts == ["api", "validate-yaml"]:
            self._json({"errors": [], "warnings": []})
        elif "preupload" in parts:
            files = [{"path": one["path"], "uploadMode": "regular"} for one in json.loads(body)["files"]]
            self._json({"files": [{**one, "shouldIgnore": False, "oid": None} for one in files]})
        elif "commit" in parts:
            name = "/".join(parts[2:4])
            self.hub.commit(name, body.splitlines())
            self._json(
                {"commitUrl": f"{constants.ENDPOINT}/{name}/commit/{COMMIT}", "commitOid": COMMIT, "success": True}
            )
        else:
            self._missing()

    def _describe(self, name: str, rest: list[str]) -> None:
        if name not in self.hub.models:
            self._missing("RepoNotFound")
            return
        files = self.hub.models[name]
        tree = [{"type": "file", "path": path, "size": len(files[path]), "oid": _etag(files[path])} for path in files]
        siblings = [{"rfilename": path} for path in files]
        self._json(tree if "tree" in rest else {"id": name, "sha": COMMIT, "siblings": siblings})

    def _file(self, name: str, path: str) -> None:
        content = self.hub.models.get(name, {}).get(path)
        if content is None:
            self._missing("EntryNotFound")
            return
        self._answer(content, "application/octet-stream", ETag=f'"{_etag(content)}"', **{"X-Repo-Commit": COMMIT})

    def _json(self, value: object) -> None:
        self._answer(json.dumps(value).encode(), "application/json")

    def _missing(self, code: str = "") -> None:
        self._answer(b"", "text/plain", 404, **{"X-Error-Code": code})

    def _answer(self, content: bytes, kind: str, status: int = 200, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(content)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)


def _etag(content: bytes) -> str:
    return hashlib.sha1(content).hexdigest()


@contextlib.contextmanager
def serving(cache: Path) -> Iterator[FakeHub]:
    """A hub that huggingface_hub asks instead of the real one; what is fetched goes into `cache`."""
    hub = FakeHub()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"hub": hub}))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        with pytest.MonkeyPatch.context() as patch:
            address = f"http://127.0.0.1:{server.server_port}"
            patch.setattr(constants, "ENDPOINT", address)
            template = constants.HUGGINGFACE_CO_URL_TEMPLATE.partition("/{repo_id}")[1:]
            patch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", address + "".join(template))
            patch.setattr(constants, "HF_HUB_CACHE", str(cache))
            patch.setattr(constants, "HF_HUB_DISABLE_XET", True, raising=False)
            patch.setattr(constants, "HF_HUB_DISABLE_PROGRESS_BARS", True)
            yield hub
    finally:
        server.shutdown()
        server.server_close()

"""The server's application: the page of a model, and its answers for the page and for programs."""

import contextlib
import errno
import functools
import sys
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from triptych.errors import BadSampleError, one_line
from triptych.runtime import Model, Result
from triptych.serve.answer import answer_of
from triptych.serve.corrections import Corrections
from triptych.serve.form import Form, read_form
from triptych.serve.guard import Guard
from triptych.serve.limits import Limits
from triptych.serve.openapi import description
from triptych.serve.page_policy import content_security_policy
from triptych.serve.upload import upload_of
from triptych.serve.workers import Workers

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def build_app(
    model: Model,
    page: str,
    corrections: Corrections | None = None,
    *,
    hosts: Collection[str] | None = None,
    token: str | None = None,
    limits: Limits | None = None,
) -> Guard:
    """The application, for uvicorn or another ASGI server.

    Args:
        model: An exported model; see `triptych.runtime.load`.
        page: The HTML of `GET /`.
        corrections: Where corrections go; None takes none.
        hosts: See `Guard`.
        token: See `Guard`.
        limits: What a request may cost.

    Raises:
        ValueError: The model takes other images than files hold.
    """
    server = _Server(model, page, corrections, limits or Limits())
    app = Starlette(
        routes=server.routes(needs_token=token is not None),
        lifespan=server.lifespan,
        exception_handlers={
            HTTPException: _refused,
            BadSampleError: _bad_sample,
            ClientDisconnect: _gone,
            Exception: _failed,
        },
    )
    return Guard(app, hosts, token)


class _Server:
    """The endpoints; see `build_app`."""

    def __init__(self, model: Model, page: str, corrections: Corrections | None, limits: Limits) -> None:
        self.model, self.corrections, self.limits = model, corrections, limits
        self._page, self._policy = page, content_security_policy(page)
        self._upload = upload_of(model.manifest, limits)
        self._workers = Workers(limits)

    def routes(self, needs_token: bool) -> list[Route]:
        """All addresses; without a folder for corrections there is none that takes them."""
        manifest = self.model.manifest
        described = description(manifest, self.corrections is not None, needs_token)
        fixed = {
            "/": HTMLResponse(self._page, headers={"Content-Security-Policy": self._policy}),
            "/model.json": Response(manifest.text(), media_type="application/json"),
            "/openapi.json": JSONResponse(described),
            "/healthz": JSONResponse({"status": "ok"}),
        }
        routes = [Route(path, _always(response)) for path, response in fixed.items()]
        routes.append(Route("/predict", self.predict, methods=["POST"]))
        if self.corrections is not None:
            routes.append(Route("/corrections", self.correct, methods=["POST"]))
        return routes

    @contextlib.asynccontextmanager
    async def lifespan(self, app: Starlette) -> AsyncIterator[None]:
        """Ends the threads with the server."""
        yield
        self._workers.close()

    async def predict(self, request: Request) -> Response:
        """`POST /predict`: the answer for an image or a text."""
        return await self._answer(request, (self._upload.field,), self._predict)

    async def correct(self, request: Request) -> Response:
        """`POST /corrections`: saves an image or a text with the label that it should have."""
        return await self._answer(request, (self._upload.field, "label"), self._correct)

    async def _answer(self, request: Request, needed: Sequence[str], work: Callable[[Form], Response]) -> Response:
        read = functools.partial(read_form, request, self.limits.upload_bytes, needed)
        return await self._workers.answer(read, work)

    def _predict(self, form: Form) -> Response:
        result, _ = self._result(form)
        return JSONResponse(answer_of(result))

    def _correct(self, form: Form) -> Response:
        assert self.corrections is not None
        result, kind = self._result(form)
        correction = self.corrections.checked(form[self._upload.field], kind, form["label"], result)
        try:
            saved = self.corrections.save(correction, form.get("name", b"").decode("utf-8", "replace"))
        except OSError as error:
            print(f"triptych: {self.corrections.folder}: {error}; a correction was not saved.", file=sys.stderr)
            raise _not_saved(error) from error
        return JSONResponse({"saved": saved}, 201)

    def _result(self, form: Form) -> tuple[Result, str]:
        """What the model says about an upload, and the format of that."""
        given, kind = self._upload.read(form[self._upload.field])
        return self.model(given), kind


def _not_saved(error: OSError) -> HTTPException:
    if isinstance(error, TimeoutError):
        return HTTPException(503, "others are saving corrections; send it again.")
    if error.errno in _FULL:
        return HTTPException(507, "the folder of the corrections is full; nothing was saved.")
    return HTTPException(500, f"the folder of the corrections refuses files ({error.strerror}); nothing was saved.")


def _always(response: Response) -> Any:
    async def endpoint(request: Request) -> Response:
        return response

    return endpoint


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return JSONResponse({"error": error.detail}, error.status_code, error.headers)


async def _bad_sample(request: Request, error: Exception) -> Response:
    return JSONResponse({"error": one_line(error)}, 400)


async def _gone(request: Request, error: Exception) -> Response:
    return Response(status_code=400)  # nobody reads it


async def _failed(request: Request, error: Exception) -> Response:
    return JSONResponse({"error": "the server failed on this request; its own output says why."}, 500)

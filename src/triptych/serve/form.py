"""Reads a form with files into memory, within a bound that is kept while it arrives."""

import sys
from collections.abc import AsyncGenerator, Sequence

from python_multipart.exceptions import FormParserError
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

_KIND = "multipart/form-data"
_MAX_PARTS = 8

Form = dict[str, bytes]
"""The content of each field; names of a client's files are left out."""


class _InMemory(MultiPartParser):
    """Writes no temporary file: the whole form is bounded."""

    spool_max_size = sys.maxsize


async def read_form(request: Request, max_bytes: int, needed: Sequence[str]) -> Form:
    """Reads a form with files.

    Args:
        request: The request.
        max_bytes: Largest body; no more of it is kept.
        needed: Fields that must be there.

    Raises:
        HTTPException: 413 if the body is larger, 415 if it is no such form, 400 if it is broken or a field is missing.
    """
    kind = request.headers.get("content-type", "")
    if kind.partition(";")[0].strip().lower() != _KIND:
        raise HTTPException(
            415, f"Content-Type: expected {_KIND} with the field {needed[0]}, got {kind[:80] or 'nothing'}."
        )
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > max_bytes:
        raise _too_large(max_bytes, needed[0])
    body = _bounded(request.stream(), max_bytes, needed[0])
    parser = _InMemory(request.headers, body, max_files=_MAX_PARTS, max_fields=_MAX_PARTS, max_part_size=max_bytes)
    try:
        form = await parser.parse()
    except (FormParserError, MultiPartException) as error:
        raise HTTPException(400, f"expected a form that can be read; {getattr(error, 'message', error)}") from error
    fields = {name: await _content(value) for name, value in form.items()}
    await form.close()
    for name in needed:
        if name not in fields:
            raise HTTPException(400, f"{name}: expected this field in the form, got {', '.join(fields) or 'none'}.")
    return fields


async def _bounded(stream: AsyncGenerator[bytes, None], max_bytes: int, what: str) -> AsyncGenerator[bytes, None]:
    """The chunks of a body, as long as they are within the bound."""
    received = 0
    async for chunk in stream:
        received += len(chunk)
        if received > max_bytes:
            raise _too_large(max_bytes, what)
        yield chunk


def _too_large(max_bytes: int, what: str) -> HTTPException:
    return HTTPException(413, f"expected at most {max_bytes / 2**20:.3g} MB, got more; send a smaller {what}.")


async def _content(value: UploadFile | str) -> bytes:
    return await value.read() if isinstance(value, UploadFile) else value.encode()

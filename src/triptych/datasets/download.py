"""Fetch an archive of the course and put the data set it holds in place, whole or not at all."""

import gzip
import hashlib
import os
import shutil
import tarfile
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from pathlib import Path, PurePosixPath, PureWindowsPath
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from filelock import FileLock
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from triptych.errors import BadSampleError, MissingDataError

HEAD_BYTES = 2**20
CHUNK_BYTES = 2**16
TIMEOUT_S = 30.0
BACKOFF_S: tuple[float, ...] = (1.0, 2.0, 4.0)  # pauses between the attempts of one call


@dataclass(frozen=True)
class Archive:
    """A published `.tgz` and what is known of it before it is fetched.

    Args:
        url: Where it lies, http or https.
        size: Its size in bytes.
        md5_head: MD5 of its first 2**20 bytes, as hex digits; the course publishes no more than that.

    Raises:
        ValueError: If the url is neither http nor https.
    """

    url: str
    size: int
    md5_head: str

    def __post_init__(self) -> None:
        if urlsplit(self.url).scheme not in ("http", "https"):
            raise ValueError(f"url: expected http:// or https://, got {self.url!r}.")


def fetch(archive: Archive, root: str | Path) -> Path:
    """Makes `root` hold what the archive's single top folder holds, or all members if there is no such folder.

    A `root` that already holds something is left alone and nothing is fetched. Otherwise the archive comes to
    `.NAME.tgz.part` beside `root`, is checked, is unpacked beside `root` and takes its place by one rename. After a
    failure or an interrupt `root` is as it was; the next call goes on from the `.part` file. Calls for the same `root`
    wait for one another on `.NAME.lock`, which goes away with the first success.

    Args:
        archive: What to fetch.
        root: Folder to fill; folders above it are made.

    Returns:
        `root`.

    Raises:
        MissingDataError: If the server has no such file (404).
        ConnectionError: If the connection fails or breaks off on each attempt; what has come is kept.
        BadSampleError: If size, head, gzip or tar are wrong, or a member is a link, a device or would land outside
            `root`; what has come is deleted.
        OSError: If the disk is full, `root` is a file or its parent cannot be written to.
    """
    place = Path(root).resolve()
    if _is_filled(place):
        return Path(root)
    place.parent.mkdir(parents=True, exist_ok=True)
    part = place.with_name(f".{place.name}.tgz.part")
    lock = place.with_name(f".{place.name}.lock")
    with FileLock(lock):
        if not _is_filled(place):  # by the call that was waited for
            try:
                _download(archive, part, place)
                _unpack(archive, part, place)
            except BadSampleError:
                part.unlink(missing_ok=True)
                raise
            part.unlink()
    with suppress(OSError):  # Windows does not delete a file that another call has open
        lock.unlink()
    return Path(root)


def _is_filled(folder: Path) -> bool:
    return folder.exists() and any(folder.iterdir())


def _download(archive: Archive, part: Path, root: Path) -> None:
    """Brings `part` to its full size, going on where an earlier attempt broke off."""
    columns = (BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    description = TextColumn("{task.description}")
    with Progress(description, *columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(PurePosixPath(archive.url).name, total=archive.size, completed=_size(part))
        for pause_s in (*BACKOFF_S, None):
            try:
                _receive(archive, part, lambda size: bar.update(task, completed=size))
                break
            except ConnectionError as error:
                if pause_s is None:
                    raise ConnectionError(
                        f"{archive.url}: {error}; {_size(part)} of {archive.size} bytes are here, "
                        f"call again to go on, or unpack the archive by hand into {root}."
                    ) from error
                time.sleep(pause_s)


def _receive(archive: Archive, part: Path, report: Callable[[int], None]) -> None:
    """Asks once for what `part` lacks and appends it; `report` is given the size reached, in bytes."""
    _check(archive, part)
    if _size(part) == archive.size:
        return
    with _request(archive.url, part) as response:
        start = _size(part) if response.status == 206 else 0  # a server without ranges answers 200 and sends it all
        if response.length is not None and start + response.length != archive.size:
            raise _refusal(archive, f"{archive.size} bytes", str(start + response.length))
        with part.open("ab" if start else "wb") as file:
            while piece := _read(response):
                file.write(piece)
                size = file.tell()
                if size - len(piece) < HEAD_BYTES <= size or size > archive.size:
                    file.flush()
                    _check(archive, part)
                report(size)
    _check(archive, part)
    if _size(part) < archive.size:
        raise ConnectionError("connection cut")


def _request(url: str, part: Path) -> HTTPResponse:
    start = _size(part)
    headers = {"Range": f"bytes={start}-"} if start else {}
    try:
        response: HTTPResponse = urlopen(Request(url, headers=headers), timeout=TIMEOUT_S)
    except HTTPError as error:
        error.close()
        if error.code == 404:
            raise MissingDataError(f"{url}: expected an archive, got HTTP 404; check the url.") from error
        if error.code == 416:  # the server's file ends before `part` does: the next attempt starts from zero
            part.unlink(missing_ok=True)
        raise ConnectionError(f"HTTP {error.code} {error.reason}") from error
    except (OSError, HTTPException) as error:
        raise ConnectionError(f"no answer ({error})") from error
    return response


def _read(response: HTTPResponse) -> bytes:
    """Reads what has arrived; a socket's OSError turns into ConnectionError, a full disk's does not."""
    try:
        return response.read1(CHUNK_BYTES)
    except (OSError, HTTPException) as error:
        raise ConnectionError(f"connection cut ({error})") from error


def _size(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0


def _check(archive: Archive, part: Path) -> None:
    """Refuses a file, complete or not, that cannot become the archive any more."""
    size = _size(part)
    if size > archive.size:
        raise _refusal(archive, f"{archive.size} bytes", str(size))
    if size < min(HEAD_BYTES, archive.size):
        return
    with part.open("rb") as file:
        md5 = hashlib.md5(file.read(HEAD_BYTES), usedforsecurity=False).hexdigest()
    if md5 != archive.md5_head:
        raise _refusal(archive, f"MD5 {archive.md5_head} of the first {HEAD_BYTES} bytes", md5)


def _refusal(archive: Archive, expected: str, got: str) -> BadSampleError:
    return BadSampleError(f"{archive.url}: expected {expected}, got {got}; deleted it, check the url and call again.")


def _unpack(archive: Archive, part: Path, root: Path) -> None:
    with _scratch_folder(root.with_name(f".{root.name}.unpacking")) as folder:
        try:
            with gzip.open(part) as stream:
                with tarfile.open(fileobj=stream, mode="r|") as tar:
                    for member in tar:
                        _write_member(archive, tar, member, folder)
                while stream.read(CHUNK_BYTES):  # up to gzip's checksum, the only one that covers all the bytes
                    pass
        except (tarfile.TarError, gzip.BadGzipFile, zlib.error, EOFError) as error:
            raise _refusal(archive, "a whole .tgz", f"a broken one ({error})") from error
        entries = list(folder.iterdir())
        top = entries[0] if len(entries) == 1 and entries[0].is_dir() else folder
        if root.exists():  # and empty; Windows does not rename onto a folder
            root.rmdir()
        os.replace(top, root)


@contextmanager
def _scratch_folder(folder: Path) -> Iterator[Path]:
    """An empty folder that is gone afterwards, unless it was moved; also clears what a killed process left."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _write_member(archive: Archive, tar: tarfile.TarFile, member: tarfile.TarInfo, folder: Path) -> None:
    """Writes one file or folder, without its owner and mode.

    tarfile's own `data` filter is absent before 3.10.12 and 3.11.4, drops a leading slash in silence, and has let links
    through (CVE-2025-4330, CVE-2025-4517). Data sets hold no links, so none is made and none can be followed.
    """
    paths = (PurePosixPath(member.name), PureWindowsPath(member.name))
    if any(path.anchor or ".." in path.parts for path in paths):
        raise _refusal(archive, "members below one folder", f"{member.name!r}")
    if not (member.isfile() or member.isdir()):
        raise _refusal(archive, "files and folders only", f"{member.name!r}, a link or device")
    target = folder / member.name
    (target if member.isdir() else target.parent).mkdir(parents=True, exist_ok=True)
    if content := tar.extractfile(member):  # None for a folder
        with content, target.open("wb") as file:
            shutil.copyfileobj(content, file)

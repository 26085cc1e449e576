"""Downloads an archive of the course and unpacks its data set atomically."""

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
_CHUNK_BYTES = 2**16
TIMEOUT_S = 30.0
BACKOFF_S: tuple[float, ...] = (1.0, 2.0, 4.0)  # pauses between the attempts of one call


@dataclass(frozen=True)
class Archive:
    """A published `.tgz`, with its size and checksum.

    Args:
        url: Its address, http or https.
        size: Its size in bytes.
        md5_head: MD5 of its first 2**20 bytes, as hex digits; the course publishes no other checksum.

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
    """Downloads an archive and unpacks it to `root`: the content of its single top folder, or all its members.

    If `root` is not empty, nothing is downloaded or changed. Otherwise the archive is downloaded to `.NAME.tgz.part`
    beside `root`, checked, unpacked beside `root` and renamed to `root`. A failure or an interrupt leaves `root`
    unchanged; the next call resumes from the `.part` file. Calls for the same `root` wait for each other on
    `.NAME.lock`, which is deleted after the first success.

    Args:
        archive: The archive to download.
        root: Folder to fill; it is created, with its parents, if it does not exist.

    Returns:
        `root`.

    Raises:
        MissingDataError: If the server has no such file (404).
        ConnectionError: If the connection fails or breaks off in each attempt; the bytes received so far are kept.
        BadSampleError: If size, MD5, gzip or tar are wrong, or a member is a link or a device or lies outside `root`;
            the download is deleted.
        OSError: If the disk is full, `root` is a file or its parent cannot be written to.
    """
    target = Path(root).resolve()
    if _is_filled(target):
        return Path(root)
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.name}.tgz.part")
    lock = target.with_name(f".{target.name}.lock")
    with FileLock(lock):
        if not _is_filled(target):  # another call may have filled it while this one waited
            try:
                _download(archive, part, target)
                _unpack(archive, part, target)
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
    """Completes `part`, resuming where an earlier attempt stopped."""
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
                        f"call again to resume, or unpack the archive by hand into {root}."
                    ) from error
                time.sleep(pause_s)


def _receive(archive: Archive, part: Path, report: Callable[[int], None]) -> None:
    """Requests the missing bytes of `part` once and appends them; passes the size reached, in bytes, to `report`."""
    _check(archive, part)
    if _size(part) == archive.size:
        return
    with _request(archive.url, part) as response:
        start = _size(part) if response.status == 206 else 0  # a server without ranges answers 200 and sends all
        if response.length is not None and start + response.length != archive.size:
            raise _bad_archive(archive, f"{archive.size} bytes", str(start + response.length))
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
    """Reads the bytes that have arrived; an OSError here is the connection's, unlike one of a full disk."""
    try:
        return response.read1(_CHUNK_BYTES)
    except (OSError, HTTPException) as error:
        raise ConnectionError(f"connection cut ({error})") from error


def _size(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0


def _check(archive: Archive, part: Path) -> None:
    """Raises an error if `part`, complete or not, cannot become the archive any more."""
    size = _size(part)
    if size > archive.size:
        raise _bad_archive(archive, f"{archive.size} bytes", str(size))
    if size < min(HEAD_BYTES, archive.size):
        return
    with part.open("rb") as file:
        md5 = hashlib.md5(file.read(HEAD_BYTES), usedforsecurity=False).hexdigest()
    if md5 != archive.md5_head:
        raise _bad_archive(archive, f"MD5 {archive.md5_head} of the first {HEAD_BYTES} bytes", md5)


def _bad_archive(archive: Archive, expected: str, got: str) -> BadSampleError:
    return BadSampleError(f"{archive.url}: expected {expected}, got {got}; deleted it, check the url and call again.")


def _unpack(archive: Archive, part: Path, root: Path) -> None:
    with _scratch_folder(root.with_name(f".{root.name}.unpacking")) as folder:
        try:
            with gzip.open(part) as stream:
                with tarfile.open(fileobj=stream, mode="r|") as tar:
                    for member in tar:
                        _write_member(archive, tar, member, folder)
                while stream.read(_CHUNK_BYTES):  # up to gzip's checksum, the only one that covers all the bytes
                    pass
        except (tarfile.TarError, gzip.BadGzipFile, zlib.error, EOFError) as error:
            raise _bad_archive(archive, "a whole .tgz", f"a broken one ({error})") from error
        entries = list(folder.iterdir())
        top = entries[0] if len(entries) == 1 and entries[0].is_dir() else folder
        if root.exists():  # it is empty; Windows does not rename over a folder
            root.rmdir()
        os.replace(top, root)


@contextmanager
def _scratch_folder(folder: Path) -> Iterator[Path]:
    """Context with an empty folder, deleted at the end; what a killed process left in it is deleted first."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _write_member(archive: Archive, tar: tarfile.TarFile, member: tarfile.TarInfo, folder: Path) -> None:
    """Writes one file or folder, without its owner and mode.

    tarfile's own `data` filter is absent before 3.10.12 and 3.11.4, silently drops a leading slash, and has let links
    through (CVE-2025-4330, CVE-2025-4517). Data sets hold no links, so none is made and none can be followed.
    """
    paths = (PurePosixPath(member.name), PureWindowsPath(member.name))
    if any(path.anchor or ".." in path.parts for path in paths):
        raise _bad_archive(archive, "members below one folder", f"{member.name!r}")
    if not (member.isfile() or member.isdir()):
        raise _bad_archive(archive, "files and folders only", f"{member.name!r}, a link or device")
    target = folder / member.name
    (target if member.isdir() else target.parent).mkdir(parents=True, exist_ok=True)
    if content := tar.extractfile(member):  # None for a folder
        with content, target.open("wb") as file:
            shutil.copyfileobj(content, file)

"""`fetch` against a real server on 127.0.0.1 that cuts, stalls, ignores ranges or lies, as asked by each test."""

import gzip
import hashlib
import io
import random
import re
import tarfile
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from triptych.datasets import download
from triptych.datasets.download import HEAD_BYTES, Archive, fetch
from triptych.errors import BadSampleError, MissingDataError

FILES = {
    "camvid/codes.txt": b"Animal\nArchway\n",
    "camvid/images/0001.png": random.Random(0).randbytes(HEAD_BYTES),
    "camvid/labels/0001_P.png": random.Random(1).randbytes(HEAD_BYTES // 2),
}


class Handler(BaseHTTPRequestHandler):
    server: "ArchiveServer"

    def do_GET(self) -> None:
        server = self.server
        asked = self.headers["Range"]
        server.ranges.append(asked)
        start = int(asked.removeprefix("bytes=").removesuffix("-")) if asked and server.honours_ranges else 0
        status = server.statuses.pop(0) if server.statuses else 206 if start else 200
        if status in (200, 206) and start >= len(server.content):
            status = 416
        self.send_response(status)
        body = server.content[start:] if status in (200, 206) else b""
        if server.announces_length:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        sent = server.cuts.pop(0) if server.cuts else len(body)
        self.wfile.write(body[:sent])
        if server.stalls:
            server.released.wait(10)

    def log_message(self, format: str, *args: object) -> None:
        """Keeps the test output quiet."""


class ArchiveServer(ThreadingHTTPServer):
    """Serves `content` and records the Range header of every request.

    `statuses` and `cuts` (bytes of the body sent before the connection closes) are used up one a request.
    """

    def __init__(self, content: bytes) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.content = content
        self.ranges: list[str | None] = []
        self.statuses: list[int] = []
        self.cuts: list[int] = []
        self.honours_ranges = True
        self.announces_length = True
        self.stalls = False
        self.released = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/camvid.tgz"

    def archive(self) -> Archive:
        return Archive(self.url, len(self.content), md5_head(self.content))

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is part of the tests."""


def md5_head(content: bytes) -> str:
    return hashlib.md5(content[:HEAD_BYTES], usedforsecurity=False).hexdigest()


def plain_member(name: str, content: bytes) -> tuple[tarfile.TarInfo, bytes]:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    return member, content


def special_member(name: str, kind: bytes, linkname: str = "") -> tuple[tarfile.TarInfo, bytes]:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, linkname
    return member, b""


def make_tgz(*members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for member, content in members:
            tar.addfile(member, io.BytesIO(content))
    return gzip.compress(buffer.getvalue(), compresslevel=1, mtime=0)


def listing(folder: Path) -> list[str]:
    """What lies in `folder`, apart from the empty lock file that a failed call leaves."""
    return sorted(path.name for path in folder.iterdir() if path.name != ".camvid.lock")


def held(root: Path) -> dict[str, bytes]:
    return {f"camvid/{path.relative_to(root).as_posix()}": path.read_bytes() for path in root.rglob("*.*")}


GOOD = make_tgz(*(plain_member(name, content) for name, content in FILES.items()))
PADDED = gzip.compress(gzip.decompress(GOOD) + bytes(HEAD_BYTES), compresslevel=1, mtime=0)
CUT = HEAD_BYTES + 12_345


@pytest.fixture
def server() -> Iterator[ArchiveServer]:
    with ArchiveServer(GOOD) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.released.set()
        server.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "BACKOFF_S", (0.0, 0.0))
    monkeypatch.setenv("no_proxy", "127.0.0.1")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "camvid"


@pytest.fixture
def part(tmp_path: Path) -> Path:
    return tmp_path / ".camvid.tgz.part"


def test_root_holds_what_the_top_folder_holds_and_nothing_else_is_left(server: ArchiveServer, root: Path) -> None:
    assert fetch(server.archive(), str(root)) == root
    assert held(root) == FILES
    assert [path.name for path in root.parent.iterdir()] == ["camvid"]
    assert server.ranges == [None]


def test_folders_above_root_are_made(server: ArchiveServer, tmp_path: Path) -> None:
    assert held(fetch(server.archive(), tmp_path / "data" / "camvid")) == FILES


def test_an_empty_root_is_filled(server: ArchiveServer, root: Path) -> None:
    root.mkdir()
    assert held(fetch(server.archive(), root)) == FILES


def test_an_archive_without_a_single_top_folder_is_unpacked_as_it_is(server: ArchiveServer, root: Path) -> None:
    server.content = make_tgz(
        special_member("images", tarfile.DIRTYPE), plain_member("images/1.png", b"1"), plain_member("codes.txt", b"c")
    )
    fetch(server.archive(), root)
    assert held(root) == {"camvid/images/1.png": b"1", "camvid/codes.txt": b"c"}


def test_a_filled_root_is_left_alone_and_nothing_is_requested(server: ArchiveServer, root: Path) -> None:
    root.mkdir()
    (root / "own.txt").write_text("mine")
    assert fetch(server.archive(), root) == root
    assert listing(root.parent) == ["camvid"] and listing(root) == ["own.txt"]
    assert server.ranges == []


def test_a_root_that_is_a_file_is_refused_before_any_request(server: ArchiveServer, root: Path) -> None:
    root.write_text("mine")
    with pytest.raises(NotADirectoryError, match=re.escape(str(root))):
        fetch(server.archive(), root)
    assert server.ranges == []


def test_calls_at_the_same_time_fetch_once(server: ArchiveServer, root: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(fetch, [server.archive()] * 4, [root] * 4)) == [root] * 4
    assert held(root) == FILES
    assert server.ranges == [None]


def test_a_cut_connection_is_resumed(
    server: ArchiveServer, root: Path, part: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.cuts = [1000, CUT]
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("shutil.copyfileobj", interrupt)  # after the download, so that its bytes can be looked at
        fetch(server.archive(), root)
    assert server.ranges == [None, "bytes=1000-", f"bytes={1000 + CUT}-"]
    assert part.read_bytes() == GOOD
    assert held(fetch(server.archive(), root)) == FILES


def test_a_call_that_gives_up_keeps_what_came_and_the_next_resumes(
    server: ArchiveServer, root: Path, part: Path
) -> None:
    server.cuts = [CUT, 0, 0]
    expected = (
        f"{server.url}: connection cut; {CUT} of {len(GOOD)} bytes are here, "
        f"call again to resume, or unpack the archive by hand into {root}."
    )
    with pytest.raises(ConnectionError, match=re.escape(expected)):
        fetch(server.archive(), root)
    assert listing(root.parent) == [part.name]
    assert part.read_bytes() == GOOD[:CUT]
    fetch(server.archive(), root)
    assert server.ranges == [None] + 3 * [f"bytes={CUT}-"]
    assert held(root) == FILES


def test_a_keyboard_interrupt_while_fetching_keeps_what_came(
    server: ArchiveServer, root: Path, part: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.cuts = [CUT]
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("time.sleep", interrupt)
        fetch(server.archive(), root)
    assert listing(root.parent) == [part.name]
    assert held(fetch(server.archive(), root)) == FILES
    assert server.ranges == [None, f"bytes={CUT}-"]


def test_a_keyboard_interrupt_while_unpacking_leaves_the_archive_only(
    server: ArchiveServer, root: Path, part: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("shutil.copyfileobj", interrupt)
        fetch(server.archive(), root)
    assert listing(root.parent) == [part.name]
    assert held(fetch(server.archive(), root)) == FILES
    assert server.ranges == [None]


def interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def test_what_a_killed_unpacking_left_is_cleared(server: ArchiveServer, root: Path) -> None:
    stale = root.with_name(".camvid.unpacking") / "camvid"
    stale.mkdir(parents=True)
    (stale / "half.png").write_bytes(b"half")
    assert held(fetch(server.archive(), root)) == FILES
    assert listing(root.parent) == ["camvid"]


def test_a_server_without_ranges_starts_from_zero(server: ArchiveServer, root: Path) -> None:
    server.honours_ranges = False
    server.cuts = [CUT]
    assert held(fetch(server.archive(), root)) == FILES
    assert server.ranges == [None, f"bytes={CUT}-"]


def test_a_range_that_is_refused_starts_from_zero(server: ArchiveServer, root: Path) -> None:
    server.cuts = [CUT]
    server.statuses = [200, 416]
    assert held(fetch(server.archive(), root)) == FILES
    assert server.ranges == [None, f"bytes={CUT}-", None]


def test_a_server_error_is_tried_again(server: ArchiveServer, root: Path) -> None:
    server.statuses = [503]
    assert held(fetch(server.archive(), root)) == FILES


def test_a_server_that_stalls_is_given_up(
    server: ArchiveServer, root: Path, part: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "TIMEOUT_S", 0.1)
    server.stalls, server.cuts = True, [CUT, 0, 0]
    with pytest.raises(ConnectionError, match=rf"connection cut \(timed out\); {CUT} of {len(GOOD)} bytes are here"):
        fetch(server.archive(), root)
    assert listing(root.parent) == [part.name]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="stands in for a full disk; Linux has it")
def test_a_full_disk_is_not_taken_for_a_cut_connection(server: ArchiveServer, root: Path, part: Path) -> None:
    part.symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space left on device") as caught:
        fetch(server.archive(), root)
    assert not isinstance(caught.value, ConnectionError) and len(server.ranges) == 1
    assert not root.exists()


@pytest.mark.parametrize("announces_length", [True, False])
@pytest.mark.parametrize("size", [len(GOOD) - 1, len(GOOD) // 2])
def test_a_longer_file_than_published_is_refused(
    server: ArchiveServer, root: Path, size: int, announces_length: bool
) -> None:
    server.announces_length = announces_length
    got = f"got {len(GOOD)};" if announces_length else r"got \d+;"  # refused at once, before the last byte
    with pytest.raises(BadSampleError, match=f"{re.escape(server.url)}: expected {size} bytes, {got} deleted it"):
        fetch(Archive(server.url, size, md5_head(GOOD)), root)
    assert listing(root.parent) == []


def test_a_shorter_file_than_published_is_refused(server: ArchiveServer, root: Path) -> None:
    size = len(GOOD) + 7
    expected = f"{server.url}: expected {size} bytes, got {len(GOOD)}; deleted it, check the url and call again."
    with pytest.raises(BadSampleError, match=re.escape(expected)):
        fetch(Archive(server.url, size, md5_head(GOOD)), root)
    assert listing(root.parent) == []


def test_a_part_longer_than_the_archive_is_refused(server: ArchiveServer, root: Path, part: Path) -> None:
    part.write_bytes(GOOD + b"!")
    with pytest.raises(BadSampleError, match=f"expected {len(GOOD)} bytes, got {len(GOOD) + 1};"):
        fetch(server.archive(), root)
    assert listing(root.parent) == [] and server.ranges == []


def test_a_wrong_head_is_refused_before_the_rest_comes(server: ArchiveServer, root: Path) -> None:
    server.stalls, server.cuts = True, [CUT]  # a client that waited for the rest would run into its time-out
    wrong = "0" * 32
    expected = (
        f"{server.url}: expected MD5 {wrong} of the first {HEAD_BYTES} bytes, got {md5_head(GOOD)}; "
        "deleted it, check the url and call again."
    )
    with pytest.raises(BadSampleError, match=re.escape(expected)):
        fetch(Archive(server.url, len(GOOD), wrong), root)
    assert not server.released.is_set() and server.ranges == [None]
    assert listing(root.parent) == []


def test_a_wrong_archive_smaller_than_the_head_is_refused(server: ArchiveServer, root: Path) -> None:
    server.content = b"<html>sign in</html>"
    with pytest.raises(BadSampleError, match=f"expected MD5 {'0' * 32} .* got {md5_head(server.content)};"):
        fetch(Archive(server.url, len(server.content), "0" * 32), root)
    assert listing(root.parent) == []


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        pytest.param(GOOD[:CUT], "Compressed file ended before", id="truncated"),
        pytest.param(GOOD[:CUT] + bytes([GOOD[CUT] ^ 1]) + GOOD[CUT + 1 :], ".+", id="one bit past the head"),
        pytest.param(GOOD[:-8] + bytes([GOOD[-8] ^ 1]) + GOOD[-7:], "CRC check failed", id="checksum"),
        pytest.param(PADDED[:-8] + bytes(8), "CRC check failed", id="checksum far behind the last member"),
        pytest.param(gzip.compress(b"no tar" * 1000), ".+", id="no tar inside"),
        pytest.param(b"no gzip", "Not a gzipped file", id="no gzip"),
    ],
)
def test_a_broken_archive_with_the_right_head_is_refused(
    server: ArchiveServer, root: Path, content: bytes, problem: str
) -> None:
    server.content = content
    with pytest.raises(BadSampleError, match=rf"camvid\.tgz: expected a whole \.tgz, got a broken one \({problem}"):
        fetch(server.archive(), root)
    assert listing(root.parent) == []


@pytest.mark.parametrize("name", ["../evil.txt", "camvid/../../evil.txt", "/evil.txt", "..\\evil.txt", "C:\\evil.txt"])
def test_a_member_outside_the_folder_is_refused_by_name(server: ArchiveServer, root: Path, name: str) -> None:
    server.content = make_tgz(plain_member("camvid/codes.txt", b"c"), plain_member(name, b"evil"))
    with pytest.raises(BadSampleError, match=re.escape(f"expected members below one folder, got {name!r};")):
        fetch(server.archive(), root)
    assert listing(root.parent) == []


@pytest.mark.parametrize(
    ("kind", "linkname"),
    [
        pytest.param(tarfile.SYMTYPE, "../..", id="symlink"),
        pytest.param(tarfile.SYMTYPE, "/etc", id="absolute symlink"),
        pytest.param(tarfile.LNKTYPE, "../../secret.txt", id="hard link"),
        pytest.param(tarfile.CHRTYPE, "", id="character device"),
        pytest.param(tarfile.FIFOTYPE, "", id="fifo"),
    ],
)
def test_a_link_or_device_is_refused_by_name(server: ArchiveServer, root: Path, kind: bytes, linkname: str) -> None:
    through = plain_member("camvid/way/evil.txt", b"evil")
    server.content = make_tgz(special_member("camvid/way", kind, linkname), through)
    expected = "expected files and folders only, got 'camvid/way', a link or device; deleted it"
    with pytest.raises(BadSampleError, match=re.escape(expected)):
        fetch(server.archive(), root)
    assert listing(root.parent) == []


def test_a_missing_file_on_the_server_is_missing_data_at_once(server: ArchiveServer, root: Path) -> None:
    server.statuses = [404]
    with pytest.raises(MissingDataError, match=re.escape(f"{server.url}: expected an archive, got HTTP 404; check")):
        fetch(server.archive(), root)
    assert listing(root.parent) == [] and len(server.ranges) == 1


def test_no_connection_names_the_url_and_the_folder_to_unpack_into(root: Path) -> None:
    with ArchiveServer(GOOD) as closed:  # its port was free a moment ago, and nothing listens once it is closed
        archive = closed.archive()
    reason = r"no answer \(<urlopen error \[Errno \d+\] Connection refused>\); "
    rest = f"0 of {len(GOOD)} bytes are here, call again to resume, or unpack the archive by hand into {root}."
    with pytest.raises(ConnectionError, match=f"^{re.escape(archive.url)}: {reason}{re.escape(rest)}$"):
        fetch(archive, root)
    assert listing(root.parent) == []


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://host/camvid.tgz", "camvid.tgz"])
def test_only_http_and_https_are_fetched(url: str) -> None:
    with pytest.raises(ValueError, match=re.escape(f"url: expected http:// or https://, got {url!r}.")):
        Archive(url, 1, "0" * 32)

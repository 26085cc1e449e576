"""What a file that is no image holds, and what to do about it, by its first bytes."""

_ARCHIVES = {
    b"PK\x03\x04": "ZIP",
    b"PK\x05\x06": "ZIP",
    b"\x1f\x8b": "gzip",
    b"BZh": "bzip2",
    b"\xfd7zXZ": "xz",
    b"7z\xbc\xaf": "7-Zip",
    b"Rar!": "RAR",
}
_TAR_AT, _TAR = 257, b"ustar"
_IMAGES = {b"\x89PNG": "PNG", b"\xff\xd8": "JPEG", b"II": "TIFF", b"MM": "TIFF", b"RIFF": "WebP", b"BM": "BMP"}
_APPLEDOUBLE = b"\x00\x05\x16\x07"
_HEIF_BRANDS = (b"hei", b"hev", b"mif", b"msf")
_LFS = b"version https://git-lfs"
_SHOWN_CHARACTERS = 30
START_BYTES = 300
"""Number of bytes that `archive_kind` and `found_instead` need."""


def archive_kind(start: bytes) -> str | None:
    """Kind of the archive that begins with `start`, such as `"ZIP"`; None if it is no archive."""
    if start[_TAR_AT:].startswith(_TAR):
        return "tar"
    return next((kind for magic, kind in _ARCHIVES.items() if start.startswith(magic)), None)


def found_instead(start: bytes) -> str:
    """What a file is that begins with `start` and cannot be read as an image, and what to do, in half a sentence."""
    if not start:
        return "an empty file; copy it again"
    if archive := archive_kind(start):
        return f"an archive ({archive}); unpack it"
    if start.startswith(_APPLEDOUBLE):
        return "what macOS keeps beside a file (AppleDouble); delete it"
    if start[4:8] == b"ftyp" and start[8:11] in _HEIF_BRANDS:
        return "a photograph in HEIF (HEIC), which is not read; convert it to JPEG or PNG"
    if start.startswith(_LFS):
        return "a pointer of Git LFS; fetch the file with `git lfs pull`"
    if kind := next((kind for magic, kind in _IMAGES.items() if start.startswith(magic)), None):
        return f"a {kind} that is cut off or broken; copy it again"
    line = start.decode("ascii", "replace").strip().splitlines()[:1]
    if line and all(character.isprintable() and character != "\ufffd" for character in line[0]):
        return f"text ({line[0][:_SHOWN_CHARACTERS]!r}); replace the file"
    return "a file that is not one or is cut off; replace the file"

"""Where the files of an exported model lie, and whether they are those that were exported."""

import hashlib
from pathlib import Path

from triptych.errors import BadSampleError
from triptych.exported.manifest import FileCard, Manifest

_CHUNK = 2**20


class ExportedFolder:
    """The folder of an exported model.

    Args:
        folder: The folder.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)

    @property
    def onnx(self) -> Path:
        """The network: uint8 images (N, C, H, W) or int64 tokens (N, T) to logits, points or probabilities."""
        return self.folder / "model.onnx"

    @property
    def weights(self) -> Path:
        """The weights, under the names of the network's state dict."""
        return self.folder / "model.safetensors"

    @property
    def manifest(self) -> Path:
        """What is known about the model."""
        return self.folder / "model.json"

    @property
    def card(self) -> Path:
        """The model card."""
        return self.folder / "README.md"

    @property
    def vocab(self) -> Path:
        """The words of a model of texts by number, a list in JSON."""
        return self.folder / "vocab.json"

    @property
    def tokenizer(self) -> Path:
        """The rules that cut a text into the words of `vocab`, in JSON."""
        return self.folder / "tokenizer.json"

    def of_input(self, manifest: Manifest) -> list[Path]:
        """The files that turn what the model answers for into the input of its network; none for images."""
        return [self.vocab, self.tokenizer] if manifest.input == "text" else []

    def read(self, *needed: Path) -> Manifest:
        """The manifest, after `needed` files, if there are any, have been compared with it, and those of the input.

        Args:
            needed: Files of the folder that will be read; beside them those of `of_input` are.

        Raises:
            FileNotFoundError: The folder or a file does not exist.
            BadSampleError: A file has changed since the export.
        """
        manifest = Manifest.read(self.manifest)
        for path in (*needed, *(self.of_input(manifest) if needed else ())):
            if not path.is_file():
                raise FileNotFoundError(f"{path}: no such file; export the model again.")
            expected = manifest.files.get(path.name)
            found = file_card(path)
            if expected != found:
                was = "no file of that name" if expected is None else f"SHA-256 {expected.sha256[:12]}…"
                raise BadSampleError(
                    f"{path}: expected the file that was exported ({was} in {self.manifest.name}), got SHA-256 "
                    f"{found.sha256[:12]}…; it has changed since, so export the model again."
                )
        return manifest


def file_card(path: Path) -> FileCard:
    """Size and checksum of a file."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return FileCard(digest.hexdigest(), path.stat().st_size)

"""Publishing an exported model on the Hugging Face hub."""

from pathlib import Path

from huggingface_hub import HfApi

from triptych.errors import one_line
from triptych.exported import ExportedFolder


def push_model(folder: str | Path, name: str) -> str:
    """Uploads the files of an exported model, after they have been compared with its `model.json`.

    The account is that of `hf auth login`, or of the token in `HF_TOKEN`; a new model is public, unless the settings of
    the account say otherwise.

    Args:
        folder: A folder of `export_model`.
        name: `"user/name"` of the model on the hub, which is created if it does not exist.

    Returns:
        Its address.

    Raises:
        FileNotFoundError: The folder, or a file of it, does not exist.
        BadSampleError: A file has changed since the export.
        ConnectionError: The hub cannot be reached, or refuses.
    """
    exported = ExportedFolder(folder)
    files = [exported.onnx, exported.weights, exported.card]
    files += exported.of_input(exported.read(*files))
    api = HfApi()
    try:
        address = api.create_repo(name, exist_ok=True)
        wanted = [path.name for path in [*files, exported.manifest]]
        api.upload_folder(repo_id=name, folder_path=exported.folder, allow_patterns=wanted)
    except (OSError, ValueError) as error:
        raise ConnectionError(f"{name}: the Hugging Face hub did not take {folder}; {one_line(error)}") from error
    return str(address)

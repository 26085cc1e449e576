"""Whether an exported graph answers as the network does: three tasks on images, five sizes, three encoders.

    python benchmarks/onnx_equality.py [ENCODER ...]

Prints the largest difference, of logits as a fraction of their range, and the fraction of the pixels with the same
class. Weights are random, batch-norm has statistics of noise; the images are smooth noise.
"""

import sys
import tempfile
from pathlib import Path

import torch

from triptych.export.equality import compare
from triptych.export.examples import IMAGE_SHAPES, image_example, images_of
from triptych.export.graph import PlainNetwork, write_graph
from triptych.export.session import OnnxNetwork
from triptych.models import PointNetwork, TagNetwork, UNet

ENCODERS = ("timm-tf_efficientnet_lite0", "resnet34", "mobilenet_v2")


def networks(encoder: str) -> list[PlainNetwork]:
    """A network of each task."""
    torch.manual_seed(0)
    built = [
        PlainNetwork(UNet(12, encoder, None), "mask"),
        PlainNetwork(PointNetwork(5, encoder, None), "point"),
        PlainNetwork(TagNetwork(17, encoder, None), "labels"),
    ]
    noise = torch.randint(0, 256, (4, 3, 96, 128), dtype=torch.uint8)
    with torch.no_grad():
        for network in built:
            for _ in range(10):
                network.train()(noise)
    return [network.eval() for network in built]


def main() -> None:
    images = images_of(None, 3, IMAGE_SHAPES)
    print(f"{'encoder':28} {'task':7} {'difference':>10} {'agreement':>10}")
    for encoder in sys.argv[1:] or ENCODERS:
        for network in networks(encoder):
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder, "model.onnx")
                write_graph(network, image_example(3), path)
                found = compare(network, OnnxNetwork(path, network.target), images)
            print(f"{encoder:28} {network.target:7} {found.largest:10.1e} {found.agreement:10.4%}", flush=True)


if __name__ == "__main__":
    main()

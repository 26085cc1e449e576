"""CamVid's classes: the 32 official ones with their colours, and the 11 of SegNet that they merge into.

Sources: names and colours are those of CamVid's own `label_colors.txt` (Brostow, Fauqueur, Cipolla, "Semantic object
classes in video: A high-definition ground truth database", 2009), in the order of the course's `codes.txt`. The merge
into 11 is that of SegNet (Badrinarayanan, Kendall, Cipolla, 2017); Tiramisu (Jégou et al., 2017) scores by it too.
"""

import colorsys
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

VOID = "Void"

OFFICIAL_COLORS: dict[str, tuple[int, int, int]] = {
    "Animal": (64, 128, 64),
    "Archway": (192, 0, 128),
    "Bicyclist": (0, 128, 192),
    "Bridge": (0, 128, 64),
    "Building": (128, 0, 0),
    "Car": (64, 0, 128),
    "CartLuggagePram": (64, 0, 192),
    "Child": (192, 128, 64),
    "Column_Pole": (192, 192, 128),
    "Fence": (64, 64, 128),
    "LaneMkgsDriv": (128, 0, 192),
    "LaneMkgsNonDriv": (192, 0, 64),
    "Misc_Text": (128, 128, 64),
    "MotorcycleScooter": (192, 0, 192),
    "OtherMoving": (128, 64, 64),
    "ParkingBlock": (64, 192, 128),
    "Pedestrian": (64, 64, 0),
    "Road": (128, 64, 128),
    "RoadShoulder": (128, 128, 192),
    "Sidewalk": (0, 0, 192),
    "SignSymbol": (192, 128, 128),
    "Sky": (128, 128, 128),
    "SUVPickupTruck": (64, 128, 192),
    "TrafficCone": (0, 0, 64),
    "TrafficLight": (0, 64, 64),
    "Train": (192, 64, 128),
    "Tree": (128, 128, 0),
    "Truck_Bus": (192, 128, 192),
    "Tunnel": (64, 0, 64),
    "VegetationMisc": (192, 192, 0),
    VOID: (0, 0, 0),
    "Wall": (64, 192, 0),
}
"""RGB colour of each of the 32 official classes, in the order of the course's `codes.txt` (`Void` is id 30)."""

OFFICIAL_NAMES: tuple[str, ...] = tuple(OFFICIAL_COLORS)

SEGNET_MERGE: dict[str, tuple[str, ...]] = {
    "Sky": ("Sky",),
    "Building": ("Building", "Archway", "Bridge", "Tunnel", "Wall"),
    "Pole": ("Column_Pole", "TrafficCone"),
    "Road": ("Road", "LaneMkgsDriv", "LaneMkgsNonDriv"),
    "Pavement": ("Sidewalk", "ParkingBlock", "RoadShoulder"),
    "Tree": ("Tree", "VegetationMisc"),
    "SignSymbol": ("SignSymbol", "Misc_Text", "TrafficLight"),
    "Fence": ("Fence",),
    "Car": ("Car", "OtherMoving", "SUVPickupTruck", "Train", "Truck_Bus"),
    "Pedestrian": ("Pedestrian", "Animal", "CartLuggagePram", "Child"),
    "Bicyclist": ("Bicyclist", "MotorcycleScooter"),
}
"""The 11 SegNet classes, in SegNet's order, each with the official classes merged into it."""

SEGNET_NAMES: tuple[str, ...] = (*SEGNET_MERGE, VOID)


def class_colors(class_names: Sequence[str]) -> npt.NDArray[np.uint8]:
    """RGB colour of each class, (C, 3): the official colour, or that of the first merged class for one of SegNet's.

    Any other name gets a colour that depends on its position alone.
    """
    merged = {name: OFFICIAL_COLORS[members[0]] for name, members in SEGNET_MERGE.items()}
    known = {name.lower(): color for name, color in (merged | OFFICIAL_COLORS).items()}
    colors = [known.get(name.lower(), _generated_color(position)) for position, name in enumerate(class_names)]
    return np.array(colors, dtype=np.uint8)


def _generated_color(position: int) -> tuple[int, int, int]:
    """Hues a golden section apart, so that neighbours differ."""
    red, green, blue = colorsys.hsv_to_rgb(position * 0.618034 % 1, 0.75, 0.9)
    return round(255 * red), round(255 * green), round(255 * blue)

"""Who made the data sets whose layouts are read, and under which terms."""

from collections.abc import Sequence
from typing import NamedTuple

from triptych.datasets.camvid_classes import OFFICIAL_NAMES, SEGNET_NAMES
from triptych.datasets.planet_tags import PLANET_TAGS

_TERMS = "its authors' own terms; read them before any use other than research"


class Credit(NamedTuple):
    """Licence and authors of a data set; both empty if they are unknown."""

    licence: str = ""
    credit: str = ""


_CAMVID = Credit(
    _TERMS,
    'Brostow, Fauqueur, Cipolla, "Semantic object classes in video: A high-definition ground truth database", 2009',
)
_BIWI = Credit(
    _TERMS,
    'Fanelli, Dantone, Gall, Fossati, Van Gool, "Random Forests for Real Time 3D Face Analysis", IJCV, 2013',
)
_PLANET = Credit(
    "the rules of its Kaggle competition; read them before any use other than research",
    'Planet and SCCON, "Planet: Understanding the Amazon from Space", Kaggle, 2017',
)
_IMDB = Credit(
    _TERMS,
    'Maas, Daly, Pham, Huang, Ng, Potts, "Learning Word Vectors for Sentiment Analysis", ACL, 2011',
)


def credit_of(data_set: str, names: Sequence[str]) -> Credit:
    """Licence and authors of a published data set, if layout and names are its own; empty for data of one's own.

    Made-up data and others that repeat layout and names cannot be told apart from the published ones.

    Args:
        data_set: Name of the data set whose layout is read.
        names: The classes, points, tags or categories.
    """
    known = {name.lower() for name in names}
    if data_set == "camvid" and known <= {name.lower() for name in (*OFFICIAL_NAMES, *SEGNET_NAMES)}:
        return _CAMVID
    if data_set == "planet" and known <= {*PLANET_TAGS}:
        return _PLANET
    if data_set == "imdb" and known == {"negative", "positive"}:
        return _IMDB
    return _BIWI if data_set == "biwi" else Credit()

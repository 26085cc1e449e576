"""The authors of a published data set are named for its classes, and for no others."""

from triptych.datasets.camvid_classes import OFFICIAL_NAMES, SEGNET_NAMES
from triptych.datasets.credit import Credit, credit_of
from triptych.datasets.planet_tags import PLANET_TAGS


def test_published_data_sets_have_their_authors() -> None:
    assert credit_of("camvid", OFFICIAL_NAMES) == credit_of("camvid", SEGNET_NAMES)
    assert "Brostow" in credit_of("camvid", SEGNET_NAMES).credit
    assert "Fanelli" in credit_of("biwi", ["point 1"]).credit
    assert "Kaggle" in credit_of("planet", PLANET_TAGS).licence
    assert "Maas" in credit_of("imdb", ["negative", "positive"]).credit


def test_data_of_ones_own_in_the_same_layout_have_none() -> None:
    assert credit_of("camvid", ["background", "lesion"]) == Credit()
    assert credit_of("planet", ["clear", "harbour"]) == Credit()
    assert credit_of("points", ["nose"]) == Credit()
    assert credit_of("imdb", ["ham", "spam"]) == Credit()

"""The tags of Planet's Amazon tiles, in a fixed order.

Sources: the 17 tags are those of Planet and SCCON, "Planet: Understanding the Amazon from Space", Kaggle 2017, spelled
as in its `train_v2.csv` (`artisinal_mine` included). The order is alphabetical: that of fast.ai's lesson 3 of 2019,
whose data block sorts the names it finds, and of the tags within nearly every row of that file.
"""

PLANET_TAGS: tuple[str, ...] = (
    "agriculture",
    "artisinal_mine",
    "bare_ground",
    "blooming",
    "blow_down",
    "clear",
    "cloudy",
    "conventional_mine",
    "cultivation",
    "habitation",
    "haze",
    "partly_cloudy",
    "primary",
    "road",
    "selective_logging",
    "slash_burn",
    "water",
)
"""The index of a tag is its column in targets and predictions."""

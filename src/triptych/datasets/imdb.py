"""The course's sample of IMDB's film reviews."""

from triptych.datasets.download import Archive

SAMPLE_ARCHIVE = Archive(
    url="https://s3.amazonaws.com/fast-ai-sample/imdb_sample.tgz",
    size=571_827,
    md5_head="0842e61a9867caa2e6fbdb14fa703d61",
)
"""1,000 reviews: `texts.csv`, 800 to train and 200 to validate."""

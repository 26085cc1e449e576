"""Errors about data on disk: one line that says what was expected, what came, in which file, and what to do."""


class MissingDataError(FileNotFoundError):
    """A folder or file that a data set needs is not there."""


class BadSampleError(ValueError):
    """A file is there but does not hold what its data set promises."""

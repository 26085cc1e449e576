"""No figures: they take two fifths of a small fit, and tests/callbacks and tests/report have them."""

from collections.abc import Iterator

import pytest

from triptych.callbacks.figure_callback import FigureCallback


@pytest.fixture(scope="module", autouse=True)
def _no_figures() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(FigureCallback, "draws", lambda *_: False)
        yield

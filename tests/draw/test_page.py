"""The parts of a page: what is escaped, and what is kept of a rich table."""

from matplotlib.figure import Figure
from rich.table import Table

from triptych.draw.page import Section, heading, listing, page, picture, table, text

ODD = "<b> & \"x\" 'y' [red]"
ESCAPED = "&lt;b&gt; &amp; &quot;x&quot; &#x27;y&#x27; [red]"


def small_table() -> Table:
    shown = Table(ODD, title=ODD, caption=ODD)
    shown.add_column("value", justify="right")
    shown.add_row(ODD, "1.0e-5\n1.0e-4", style="bold")
    shown.add_section()
    shown.add_row("all", "")
    return shown


def test_all_text_is_escaped() -> None:
    pieces = [text(ODD), heading(ODD), listing(ODD), table(small_table()), picture(Figure((1, 1)), ODD, "svg")]
    whole = page(ODD, ODD, small_table(), [Section(ODD, pieces)])
    for piece in (*pieces, whole):
        assert ESCAPED in piece and ODD not in piece and "<b>" not in piece


def test_a_table_keeps_its_headings_sides_sections_and_bold_rows() -> None:
    shown = table(small_table())
    assert shown.count('<th scope="col"') == 2 and '<th scope="col" class="number">value</th>' in shown
    assert shown.count('<th scope="row"') == 2 and '<th scope="row">all</th>' in shown
    assert '<td class="number">1.0e-5\n1.0e-4</td>' in shown
    assert shown.count("<tbody>") == 2 and shown.count('<tr class="bold">') == 1


def test_every_section_is_led_to() -> None:
    whole = page("triptych report", "run", small_table(), [Section("One", []), Section("Two", [text("words")])])
    for number, title in enumerate(["One", "Two"]):
        assert f'<a href="#part-{number}">{title}</a>' in whole
        assert f'<section id="part-{number}">\n<h2>{title}</h2>' in whole

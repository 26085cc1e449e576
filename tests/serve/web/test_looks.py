"""How the page looks and is reached: contrast, focus, narrow windows, keyboard and what a screen reader is told."""

import pytest
from browser import NEEDED
from page_user import PageUser, Visit
from uploads import TEXT, encoded, street

pytestmark = NEEDED
IMAGE = encoded(street())
TASKS = ("mask", "point", "labels", "category")

_CONTRASTS = """() => {
  const numbers = (color) => color.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => {
    const linear = (one) => one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4;
    return 0.2126 * linear(r / 255) + 0.7152 * linear(g / 255) + 0.0722 * linear(b / 255);
  };
  const ground = (at) => {
    for (; at; at = at.parentElement) {
      const color = numbers(getComputedStyle(at).backgroundColor);
      if (color.length === 3 || color[3] > 0) return color;
    }
  };
  const texts = [...document.querySelectorAll("body *")].filter((one) =>
    one.checkVisibility() && [...one.childNodes].some((node) => node.nodeType === 3 && node.data.trim()));
  return texts.map((one) => {
    const [a, b] = [numbers(getComputedStyle(one).color), ground(one)].map(light).sort((a, b) => b - a);
    return [`${one.tagName}.${one.className} ${one.textContent.trim().slice(0, 20)}`, (a + 0.05) / (b + 0.05)];
  });
}"""
"""The contrast of each text with what is behind it, as WCAG 2.2 defines it."""

_SMALL_TARGETS = """() => [...document.querySelectorAll("button, input, textarea")]
  .filter((one) => one.checkVisibility())
  .map((one) => [one.id, one.closest("label, button, textarea, .bar").getBoundingClientRect()])
  .filter(([, box]) => Math.min(box.width, box.height) < 24)
  .map(([id]) => id)"""
"""What can be touched and has less than 24 pixels a side, as WCAG 2.2 asks."""


def _give(user: PageUser, task: str) -> None:
    """Gives the model of a task what it answers for."""
    if task == "category":
        user.write(TEXT)
    else:
        user.give("street.png", IMAGE)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("task", TASKS)
def test_text_has_the_contrast_of_wcag_aa(task: str, scheme: str, pages: dict[str, str], visit: Visit) -> None:
    user = visit(pages[task], color_scheme=scheme)
    before = dict(user.page.evaluate(_CONTRASTS))
    _give(user, task)
    user.at("#wrong").click()
    contrasts = {**before, **dict(user.page.evaluate(_CONTRASTS))}
    assert len(contrasts) > 20 and {text: value for text, value in contrasts.items() if value < 4.5} == {}


@pytest.mark.parametrize("task", TASKS)
def test_phone_shows_all_without_a_scroll_sideways_or_a_jump(task: str, pages: dict[str, str], visit: Visit) -> None:
    user = visit(pages[task], viewport={"width": 360, "height": 740}, has_touch=True)
    places = "['.view', '#result', '.about'].map((one) => document.querySelector(one).getBoundingClientRect().top)"
    before = user.page.evaluate(places)
    _give(user, task)
    assert user.page.evaluate(places) == before
    user.at("#wrong").click()
    assert user.page.evaluate("document.documentElement.scrollWidth") == 360
    assert user.page.evaluate(_SMALL_TARGETS) == []


def test_keyboard_alone_reads_and_corrects_a_mask(pages: dict[str, str], visit: Visit) -> None:
    user = visit(pages["mask"])
    user.give("street.png", IMAGE)
    user.at("#frame").focus()
    for _ in range(10):
        user.page.keyboard.press("ArrowUp")
    user.page.keyboard.press("Shift+ArrowLeft")
    assert user.at("#spoken").inner_text() == user.at("#readout").inner_text()
    assert user.at("#readout").inner_text().startswith("sky · probability 100 %")
    user.page.keyboard.press("Tab")
    assert user.page.evaluate("getComputedStyle(document.activeElement).outlineWidth") == "3px"
    user.at("#wrong").press("Enter")
    user.page.get_by_label("tree").press("Space")
    user.at("#frame").focus()
    user.page.keyboard.press("Enter")
    assert user.at("#readout").inner_text() == user.at("#spoken").inner_text() == "tree · the model said sky"
    user.page.keyboard.press("Control+z")
    assert user.at("#readout").inner_text() == "sky · probability 100 %"
    user.page.keyboard.press("Escape")
    assert user.at("#giving").is_visible()


def test_hidden_class_and_opacity_show_the_image_below(pages: dict[str, str], visit: Visit) -> None:
    user = visit(pages["mask"])
    user.give("street.png", IMAGE)
    alpha = "([y, x]) => document.getElementById('overlay').getContext('2d').getImageData(x, y, 1, 1).data[3]"
    assert [user.page.evaluate(alpha, [2, 2]), user.page.evaluate(alpha, [20, 2])] == [255, 255]
    user.page.get_by_label("sky").uncheck()
    assert [user.page.evaluate(alpha, [2, 2]), user.page.evaluate(alpha, [20, 2])] == [0, 255]
    user.at("#opacity").fill("30")
    assert user.page.evaluate("document.getElementById('overlay').style.opacity") == "0.3"


def test_moved_threshold_decides_which_tags_count(pages: dict[str, str], visit: Visit) -> None:
    user = visit(pages["labels"])
    user.give("street.png", IMAGE)
    chosen = user.at(".tags .chosen .name")
    assert chosen.all_inner_texts() == ["water"]
    user.page.get_by_label("Threshold of clear").fill("10")
    assert chosen.all_inner_texts() == ["water", "clear"]
    user.at("#all-thresholds").fill("90")
    assert chosen.all_inner_texts() == []

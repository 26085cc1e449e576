"""Opens pages in Chromium, if it is installed."""

import html
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

FOUND = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
NEEDED = pytest.mark.skipif(FOUND is None, reason="there is no Chromium here; .ci/run installs it")

_FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--hide-scrollbars"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-quic"),
)
_LOOK = """<script>addEventListener("load", () => {
  const all = (name) => [...document.querySelectorAll(name)];
  const filled = (table) => [...table.querySelectorAll("td")].filter((cell) => cell.innerText.trim()).length;
  const seen = {
    title: document.title,
    headings: all("h2").map((heading) => heading.innerText),
    images: all("img").map((image) => image.complete ? image.naturalWidth : 0),
    tables: all("table").map(filled),
    loose_links: all("a").filter((link) => !document.querySelector(link.getAttribute("href"))).length,
    requests: performance.getEntriesByType("resource").map((one) => one.name).filter((one) => !one.startsWith("data:")),
    too_wide: document.documentElement.scrollWidth - window.innerWidth,
    width: window.innerWidth,
  };
  document.body.appendChild(document.createElement("output")).textContent = JSON.stringify(seen);
});</script></body>"""


def seen(page: Path, folder: Path, width: int) -> dict[str, Any]:
    """What a browser shows in a window of `width` pixels; a copy of the page that reports it is written to `folder`."""
    copy = folder / "page.html"
    copy.write_text(page.read_text(encoding="utf-8").replace("</body>", _LOOK), encoding="utf-8")
    options = [f"--window-size={width},1000", f"--user-data-dir={folder / 'profile'}", "--dump-dom", copy.as_uri()]
    done = subprocess.run([str(FOUND), *_FLAGS, *options], capture_output=True, text=True, check=True, timeout=60)
    output = re.search(r"<output>(.*)</output>", done.stdout)
    assert output is not None, done.stderr
    found: dict[str, Any] = json.loads(html.unescape(output[1]))
    return found

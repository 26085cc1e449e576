"""What a page may do: run its own scripts, and ask the server that it came from."""

import base64
import hashlib
import re

_SCRIPT = re.compile(r"<script\b[^>]*>(.*?)</script\s*>", re.DOTALL | re.IGNORECASE)


def content_security_policy(html: str) -> str:
    """The header `Content-Security-Policy` of a page.

    Its scripts are named by their SHA-256, so that no other one runs. Nothing is loaded from elsewhere.

    Args:
        html: The page; its scripts and styles are in it.
    """
    scripts = " ".join(f"'{_digest(script)}'" for script in dict.fromkeys(_SCRIPT.findall(html)))
    return "; ".join(
        [
            "default-src 'none'",
            f"script-src {scripts or chr(39) + 'none' + chr(39)}",
            "style-src 'unsafe-inline'",
            "img-src 'self' blob: data:",
            "media-src blob:",
            "connect-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        ]
    )


def _digest(script: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}"

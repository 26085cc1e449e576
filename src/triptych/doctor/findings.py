"""What the doctor finds."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

Level = Literal["error", "warning", "note"]
"""Training fails or learns something wrong; it may; a fact that is good to know."""


@dataclass(frozen=True)
class Finding:
    """A fault of a data set, or a fact about it, with all files that it concerns.

    Args:
        level: How bad it is.
        kind: Short name of what was found, such as `"unreadable"`; the same for every data set.
        message: One line: how many of how many, what was expected, what came.
        advice: What to do, one line; empty if nothing needs to be done.
        files: The files, by their paths below the root, each with what is the matter with it.
        beside: For a file that is like another one, the path of that.
    """

    level: Level
    kind: str
    message: str
    advice: str = ""
    files: Mapping[str, str] = field(default_factory=dict)
    beside: Mapping[str, str] = field(default_factory=dict)

    def plain(self) -> dict[str, Any]:
        """The finding as values that JSON can hold."""
        files = [{"path": path, "why": why} for path, why in self.files.items()]
        return {
            **{"level": self.level, "kind": self.kind, "message": self.message, "advice": self.advice},
            "files": files,
        }


def worst_first(findings: Iterable[Finding]) -> list[Finding]:
    """The findings by level; those of a level stay in their order."""
    levels = get_args(Level)
    return sorted(findings, key=lambda finding: levels.index(finding.level))


def is_wrong(findings: Iterable[Finding]) -> bool:
    """Whether a finding is an error."""
    return any(finding.level == "error" for finding in findings)


def first_of(files: Mapping[str, str]) -> str:
    """The first file with what is the matter with it."""
    path, why = next(iter(files.items()))
    return f"{path}: {why}"


def shortened(words: Iterable[str], count: int = 8) -> str:
    """The first words, and how many more there are: `a, b and 3 more`."""
    listed = list(words)
    more = f" and {len(listed) - count} more" if len(listed) > count else ""
    return ", ".join(listed[:count]) + more

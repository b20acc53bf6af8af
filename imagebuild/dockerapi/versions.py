# SPDX-License-Identifier: Apache-2.0
"""API versions: read, compared, and the range an engine serves.

They compare number by number, and a missing number is 0 (moby ``api/types/versions/compare.go``).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

from . import faults


@dataclass(frozen=True, order=True, slots=True)
class ApiVersion:
    """A version such as 1.45; compares with others and, by way of :func:`api_version`, with text."""

    parts: tuple[int, ...]
    text: str = field(compare=False)

    def __str__(self) -> str:
        return self.text

    def at_least(self, text: str) -> bool:
        """Whether this version has what came with ``text``: ``request.version.at_least("1.42")``."""
        return self >= api_version(text)


@lru_cache(maxsize=64)
def api_version(text: str) -> ApiVersion:
    """A version from its text. What is no number counts 0, as it does for moby."""
    parts = [int(part) if part.isascii() and part.isdigit() and len(part) < 10 else 0 for part in text.split(".")]
    while parts and not parts[-1]:
        parts.pop()
    return ApiVersion(tuple(parts), text)


@dataclass(frozen=True, slots=True)
class VersionRange:
    """The versions that are served, both ends included. Docker 26.1 serves 1.24 to 1.45."""

    oldest: str = "1.24"
    newest: str = "1.45"

    def newest_version(self) -> ApiVersion:
        """What a request without a version is answered in."""
        return api_version(self.newest)

    def choose(self, asked: str) -> ApiVersion:
        """The version a request is answered in: the one in its path, the newest when it names none.

        BadRequest with moby's text outside the range.
        """
        if not asked:
            return api_version(self.newest)
        version = api_version(asked)
        if version < api_version(self.oldest):
            raise faults.client_too_old(asked, self.oldest)
        if version > api_version(self.newest):
            raise faults.client_too_new(asked, self.newest)
        return version

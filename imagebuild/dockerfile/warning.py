# SPDX-License-Identifier: Apache-2.0
"""What is worth saying about a Dockerfile that can still be built."""

from __future__ import annotations

from dataclasses import dataclass

#: Every code a :class:`Warning` can carry, and what it means. Codes never change their meaning.
CODES = {
    "late-directive": "a parser directive stands too late and is only a comment",
    "swallowed-line": "a path that ends in the escape character joins the next line to it",
    "empty-continuation": "a blank line stands inside a continued instruction",
    "invalid-json": "a JSON form is not valid JSON and is read as plain text",
    "duplicate-stage": "two stages have the same name; the later one wins",
    "lost-backslash": "a backslash is read as the escape character and disappears from a path",
    "onbuild-escape": "an ONBUILD trigger will be read with the default escape character",
}


@dataclass(frozen=True, slots=True)
class Warning:
    """One finding: a stable ``code`` of :data:`CODES`, a sentence, and the 1-based line it is about."""

    code: str
    message: str
    line: int

# SPDX-License-Identifier: Apache-2.0
"""How large a Dockerfile and what comes of it may be.

BuildKit bounds the file (2 MiB, ``buildx/build/url.go``) and its messages (16 MiB) and leaves the rest to memory;
nine lines that each repeat the one before then ask for gigabytes. Each bound here is beyond any Dockerfile that was
written to be built, and is told with the line that goes beyond it.
"""

from __future__ import annotations

from ...errors import FormatError

FILE = 2 << 20
"""Bytes of a Dockerfile, and of a ``.dockerignore``."""
INSTRUCTIONS = 20_000
STAGES = 400
"""A file that is generated for three hundred stages was met; each may stand on the one before."""
EXPANDED = 1 << 20
"""Characters of one text after its variables are replaced."""
VARIABLE = 32_767
"""Characters of a variable's value: what Windows keeps of one (``SetEnvironmentVariable``)."""
VARIABLES = 4096
"""Variables of an image, and its labels."""
CONFIG = 4 << 20
"""Characters of an image's history, which repeats all that its config holds: containerd reads 4 MiB of it."""
PATTERN_STEPS = 1_000_000
"""Comparisons of one ``${X/pattern/…}``, ``${X#pattern}`` or ``${X%pattern}``."""
PATTERNS = 10_000
"""Lines of a ``.dockerignore`` that are patterns."""


def check(found: int, most: int, what: str, *, hint: str = "") -> None:
    """FormatError when there is more of something than is taken."""
    if found > most:
        raise FormatError(f"{what}: {found:,}", why=f"at most {most:,} are taken", hint=hint)


def check_variable(name: str, value: str) -> None:
    """FormatError for a value that Windows could not hold."""
    check(len(value), VARIABLE, f"{name[:60]} has too many characters",
          hint="Windows keeps 32,767 characters of a variable")

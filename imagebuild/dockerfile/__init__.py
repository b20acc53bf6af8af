# SPDX-License-Identifier: Apache-2.0
"""Read Dockerfiles and ``.dockerignore`` files as BuildKit does: text to typed instructions, words to values.

``parse`` gives a :class:`Dockerfile` of typed instructions (:mod:`.instructions`) whose words are as written;
``expand_instruction`` replaces variables where BuildKit would (:mod:`.rules` holds the table).
"""

from __future__ import annotations

from .expand import Expansion, expand, expand_words, expansion
from .parser import Dockerfile, Stage, parse, parse_trigger
from .rules import EXPANDED, Expanded, expand_instruction
from .values import TargetPlatform, exposed_ports
from .warning import Warning

__all__ = [
    "EXPANDED",
    "Dockerfile",
    "Expanded",
    "Expansion",
    "Stage",
    "TargetPlatform",
    "Warning",
    "expand",
    "expand_instruction",
    "expand_words",
    "expansion",
    "exposed_ports",
    "parse",
    "parse_trigger",
]

# SPDX-License-Identifier: Apache-2.0
"""Would Windows take it? Rules as data over layers and images, with what happens, what to do, and where it is written.

:func:`layer` examines a layer's tar, :func:`image` a whole image, both in one streaming pass and as generators of
:class:`Finding`; a :class:`LayerLinter` examines a layer while it is being written. :func:`explain` says what a rule of
:data:`RULES` is about.
"""

from .checks.config import check_image
from .images import image
from .layers import layer
from .linter import LayerLinter
from .report import Report
from .rules.finding import IMPORTERS, Finding, Importer, Rule, Severity
from .rules.rules import RULES, explain, find_rule
from .sarif import sarif_pieces

__all__ = [
    "IMPORTERS",
    "RULES",
    "Finding",
    "Importer",
    "LayerLinter",
    "Report",
    "Rule",
    "Severity",
    "check_image",
    "explain",
    "find_rule",
    "image",
    "layer",
    "sarif_pieces",
]

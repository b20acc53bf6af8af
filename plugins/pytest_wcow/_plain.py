# SPDX-License-Identifier: Apache-2.0
"""Import the plugin and the library as pip compiled them (PYTEST_DONT_REWRITE).

pytest imports every package of a distribution that brings a plugin through its assertion rewriting: it parses each
module anew where it cannot write beside it, as in an environment of root's or with PYTHONDONTWRITEBYTECODE. No module
here has an assertion that a test shows, so a finder that goes before pytest's finds them the usual way.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType

OURS = ("imagebuild", "pytest_wcow")


class PlainFinder:
    """Finds the modules of our packages for Python's own loader, and none else."""

    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> ModuleSpec | None:
        """The module, or None: then the next finder is asked."""
        return PathFinder.find_spec(name, path, target) if name.partition(".")[0] in OURS else None


sys.meta_path.insert(0, PlainFinder)

# SPDX-License-Identifier: Apache-2.0
"""Real programs of Windows, started in containers in every way: a table, what fetches them, what starts them.

``make programs`` writes the page of it, ``tests/test_what_runs.py`` runs some rows as tests.
"""

from .outcome import Outcome
from .runner import run
from .table import PROGRAMS, Program

__all__ = ["PROGRAMS", "Outcome", "Program", "run"]

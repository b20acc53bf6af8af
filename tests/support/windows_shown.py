# SPDX-License-Identifier: Apache-2.0
"""Rules of a Windows engine that need more than one question: the tests that show them. And what nobody can see here."""

from __future__ import annotations

from .windows_rules import Shown, Unseen

SHOWN = ()
UNSEEN: tuple[Unseen, ...] = ()

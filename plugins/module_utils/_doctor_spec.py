# Copyright: (c) 2026, the wcow authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of the module ``doctor``."""

from __future__ import annotations

ARGUMENTS = {
    "only": {"type": "list", "elements": "str", "default": []},
    "skip": {"type": "list", "elements": "str", "default": []},
    "online": {"type": "bool", "default": False},
    "facts": {"type": "dict"},
    "text": {"type": "str"},
    "fail_on": {"type": "str", "choices": ["never", "fail", "warn", "unknown"], "default": "never"},
}
EXCLUSIVE = [("facts", "text")]

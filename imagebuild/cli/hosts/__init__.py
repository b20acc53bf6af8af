# SPDX-License-Identifier: Apache-2.0
"""``wcow host`` and ``wcow tunnel``; how users name hosts."""

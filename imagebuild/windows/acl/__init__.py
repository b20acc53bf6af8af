# SPDX-License-Identifier: Apache-2.0
"""Access control lists: as text, as SDDL, inherited, and what they grant."""

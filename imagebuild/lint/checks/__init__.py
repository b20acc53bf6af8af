# SPDX-License-Identifier: Apache-2.0
"""Checks of one thing each: a name, an entry's values, the tree, a hive, a config."""

# SPDX-License-Identifier: Apache-2.0
"""Loads the plugin, for this folder; in a package of its own an entry point ``pytest11`` does."""

pytest_plugins = ["wcow_house"]

# SPDX-License-Identifier: Apache-2.0
"""Runs Windows programs on this machine: Wine in a bubblewrap sandbox, over the folders and registry of an image."""

from __future__ import annotations

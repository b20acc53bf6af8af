# SPDX-License-Identifier: Apache-2.0
"""Patterns: Go's file names, whole paths, and those of ``${X#p}``."""

# SPDX-License-Identifier: Apache-2.0
"""Dockerfiles of real projects, built on stand-ins of their bases with made-up contexts and downloads.

The Dockerfiles are public files that are not ours to distribute: a folder that the caller names has them. Everything
else that a build needs is made here, from one table (``table.toml``).
"""

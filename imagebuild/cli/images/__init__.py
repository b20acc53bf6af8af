# SPDX-License-Identifier: Apache-2.0
"""Verbs that make, look at, move and keep images."""

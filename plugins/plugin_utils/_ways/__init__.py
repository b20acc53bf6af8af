# SPDX-License-Identifier: GPL-3.0-or-later
"""The ways to a host's engine, and into its containers."""

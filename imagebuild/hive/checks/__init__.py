# SPDX-License-Identifier: Apache-2.0
"""Hives examined strictly."""

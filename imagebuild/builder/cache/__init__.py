# SPDX-License-Identifier: Apache-2.0
"""Layers of earlier builds, and the keys by which they are found."""

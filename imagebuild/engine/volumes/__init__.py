# SPDX-License-Identifier: Apache-2.0
"""Volumes of the engine, and the mounts of containers."""

# SPDX-License-Identifier: Apache-2.0
"""``docker build``: our own builder in a process of its own, told as moby's classic builder tells it."""

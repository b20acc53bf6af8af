# SPDX-License-Identifier: Apache-2.0
"""The engine of a run: found, opened, swept, checked; and the images on it."""

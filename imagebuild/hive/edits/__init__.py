# SPDX-License-Identifier: Apache-2.0
"""Changes of registries: edits, deltas, and the difference of two."""

# SPDX-License-Identifier: Apache-2.0
"""Images of the engine: stored, named, unpacked, committed, removed."""

# SPDX-License-Identifier: Apache-2.0
"""A layer becomes a folder from which an overlay can be mounted: made once, used by every container."""

# SPDX-License-Identifier: Apache-2.0
"""The registry of an image, as a container would see it; and its changes."""

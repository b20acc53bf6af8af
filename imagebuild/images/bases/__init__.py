# SPDX-License-Identifier: Apache-2.0
"""Base images of our own: from scratch, and stand-ins for Microsoft's."""

# SPDX-License-Identifier: Apache-2.0
"""One HTML page about an image, or about the difference of two."""

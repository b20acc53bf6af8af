# SPDX-License-Identifier: Apache-2.0
"""What an image says and holds, without unpacking it."""

# SPDX-License-Identifier: Apache-2.0
"""Wine's registry files: made of an image's hives, and read back as changes."""

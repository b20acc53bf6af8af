# SPDX-License-Identifier: Apache-2.0
"""The registry as text: ``.reg`` files, and values as ``reg.exe`` shows them."""

# SPDX-License-Identifier: Apache-2.0
"""What goes wrong with Windows containers, as data."""

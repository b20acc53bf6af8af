# SPDX-License-Identifier: Apache-2.0
"""Wine: its prefix, its files as we alter them, boxes and the programs in them."""

# SPDX-License-Identifier: Apache-2.0
"""Hosts, from what people have of them."""

# SPDX-License-Identifier: Apache-2.0
"""Envelopes of WS-Management: bytes to values and back."""

# SPDX-License-Identifier: Apache-2.0
"""What is known of a machine: its Windows, its hardware, what its Docker says of it."""

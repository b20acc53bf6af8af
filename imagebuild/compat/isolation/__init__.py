# SPDX-License-Identifier: Apache-2.0
"""What a host sees of a container's processes."""

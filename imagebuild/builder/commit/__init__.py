# SPDX-License-Identifier: Apache-2.0
"""What a step changed becomes a layer in the store."""

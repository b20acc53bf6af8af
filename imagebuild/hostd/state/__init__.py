# SPDX-License-Identifier: Apache-2.0
"""The state document of a host: what a box does not have, as cmdlets show it."""

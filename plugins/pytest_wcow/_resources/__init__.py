# SPDX-License-Identifier: Apache-2.0
"""What tests are given: containers, volumes, networks and images; made, shared and removed."""

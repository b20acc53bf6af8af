# SPDX-License-Identifier: Apache-2.0
"""A plan is carried out: stage by stage, step by step."""

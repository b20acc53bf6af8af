# SPDX-License-Identifier: Apache-2.0
"""The three verdicts: does Microsoft support it, does the engine take it, does Windows start it?"""

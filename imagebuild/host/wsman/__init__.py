# SPDX-License-Identifier: Apache-2.0
"""WS-Management's client side: commands of Windows' remote shell whose input and output stay open.

Envelopes and their answers are ours; logins, message encryption and TLS are pypsrp's. It shares no code with the
server in ``hostd/winrm``: each keeps the other honest.
"""

/* SPDX-License-Identifier: Apache-2.0 */
/* Accounts by name and by SID: those that every Windows has, services and pools of IIS. */
#ifndef WCOW_ACCOUNTS_H
#define WCOW_ACCOUNTS_H

#define WIN32_LEAN_AND_MEAN
#include <windows.h>

#define SID_ROOM SECURITY_MAX_SID_SIZE
#define NAME_ROOM 600

/* The SID of a name as icacls takes it: BUILTIN\Users, Users, *S-1-5-32-545, NT SERVICE\x, IIS APPPOOL\x; 0: none. */
int find_account(const WCHAR *name, BYTE *sid);
/* DOMAIN\name of a SID, or the SID as text. */
void name_account(const SID *sid, WCHAR *out);

#endif

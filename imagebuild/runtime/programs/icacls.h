/* SPDX-License-Identifier: Apache-2.0 */
/* What is asked of icacls, and what becomes of one access control list. */
#ifndef WCOW_ICACLS_H
#define WCOW_ICACLS_H

#include "accounts.h"

#define MOST_ENTRIES 128
#define MOST_CHANGES 64
#define LIST_ROOM 8192

enum verb { GRANT, DENY, REMOVE, INHERIT, RESET, OWNER };
enum { ALLOWED = 1, DENIED = 2 }; /* which entries REMOVE means */

struct change {
    enum verb verb;
    int replace; /* GRANT: in place of what is granted; REMOVE: ALLOWED, DENIED; INHERIT: e, d or r */
    DWORD mask;
    BYTE flags;
    BYTE sid[SID_ROOM];
};

/* Rights as icacls takes them, "(OI)(CI)(RX,W)" or "M"; 0: they are none. */
int read_rights(const WCHAR *text, DWORD *mask, BYTE *flags);
/* The same of an entry, as icacls shows it. */
void show_rights(const ACE_HEADER *entry, WCHAR *out);
/* A list after changes, and the bits of SECURITY_INFORMATION that go with it; 0: it has too many entries. */
int changed_list(const ACL *list, int protected, const struct change *changes, int count, ACL *out,
                 SECURITY_INFORMATION *bits);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Security descriptors as bytes, and what is handed down from a folder (parts of wcowbase.dll). */
#ifndef WCOW_ACL_H
#define WCOW_ACL_H

#include "base.h"

#define SECURITY_ROOM 4000 /* bytes: Linux keeps no longer attribute everywhere */
#define INHERITED_FLAGS (SE_DACL_AUTO_INHERITED | SE_SELF_RELATIVE | SE_DACL_PRESENT)

NTSYSAPI SIZE_T NTAPI RtlCompareMemory(const void *, const void *, SIZE_T);

static inline int equal(const void *one, const void *other, SIZE_T size)
{
    return RtlCompareMemory(one, other, size) == size;
}

struct descriptor { /* the parts of one, which lie in somebody's bytes */
    USHORT control;
    const SID *owner, *group;
    const ACL *dacl, *sacl;
};

struct held { ULONG size; char bytes[SECURITY_ROOM]; };

/* The descriptor of a file on a drive: its own, or what it inherits. */
int effective_security(const char *path, struct held *out);
/* A self-relative descriptor as its parts; 0: it is none. */
int read_descriptor(const void *bytes, ULONG size, struct descriptor *out);
/* Its bytes; 0: they are more than there is room for. */
ULONG write_descriptor(const struct descriptor *parts, void *out, ULONG room);
/* Whether accounts (a user and its groups) may do all that is wanted: windows/acl/access.py. */
int is_granted(const struct descriptor *parts, const SID *const *accounts, int count, ULONG wanted);
/* The rights of a file that a mask with generic ones means. */
ULONG mapped_rights(ULONG mask);
/* The descriptor of what is below a folder with the descriptor `above`: what `own` says and is not inherited (NULL:
 * nothing), then what comes from above unless `own` is protected. Its bytes; 0: they are too many. */
ULONG descriptor_below(const struct descriptor *above, const struct descriptor *own, int folder, void *out, ULONG room);

/* Whether the account of this program is one that may not do everything. */
int is_restricted(void);
/* DENIED, or 0: whether the account of this program may open a file so (access.c), and put something new there. */
NTSTATUS may_open(const OBJECT_ATTRIBUTES *attr, ACCESS_MASK access, ULONG disposition, ULONG options);
NTSTATUS may_put(const char *path, ULONG wanted);
/* Makes what such an account has just created its own (access.c), and writes that down (security.c). */
void own_created(HANDLE handle);
void set_owner_of_new(const char *path, const SID *owner);

#endif

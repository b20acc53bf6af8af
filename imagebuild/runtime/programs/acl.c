/* SPDX-License-Identifier: Apache-2.0 */
/* What is handed down from a folder's access control list (a part of wcowbase.dll): windows/acl/inherit.py in C, which names
 * its sources, for entries that allow and deny.
 */
#include "acl.h"

#define OBJECT 1 /* OBJECT_INHERIT_ACE and its sisters */
#define CONTAINER 2
#define NO_FURTHER 4
#define ONLY_BELOW 8
#define CAME 16
#define DOWN (OBJECT | CONTAINER | NO_FURTHER | ONLY_BELOW)
#define REACH (OBJECT | CONTAINER | ONLY_BELOW)
#define HERE 4 /* among the parts of an entry's reach: OBJECT, CONTAINER, HERE */

struct entry { /* ACCESS_ALLOWED_ACE */
    UCHAR type, flags;
    USHORT size;
    ULONG mask;
    SID sid;
};

struct list {
    ACL head;
    char room[SECURITY_ROOM];
};

static const struct { SID sid; ULONG last; } ADMINISTRATORS = {{1, 2, {SECURITY_NT_AUTHORITY}, {32}}, 544};
static const SID SYSTEM = {1, 1, {SECURITY_NT_AUTHORITY}, {18}};
static const SID_IDENTIFIER_AUTHORITY CREATOR = {SECURITY_CREATOR_SID_AUTHORITY};

static ULONG size_of(const SID *sid)
{
    return 8 + 4 * sid->SubAuthorityCount;
}

static int same(const SID *one, const SID *other)
{
    return one->SubAuthorityCount == other->SubAuthorityCount && equal(one, other, size_of(one));
}

static const struct entry *first(const ACL *list)
{
    return (const struct entry *)(list + 1);
}

static const struct entry *next(const struct entry *one)
{
    return (const struct entry *)((const char *)one + one->size);
}

/* The entry with this number, for which next() was asked so often; NULL: there is no whole one. */
static const struct entry *whole(const ACL *list, const struct entry *one)
{
    const char *end = (const char *)list + list->AclSize;

    return (const char *)one + 16 <= end && one->size >= 16 && (const char *)one + one->size <= end ? one : NULL;
}

/* Bytes of a list's entries and its head: a program's list may have room behind them. */
static USHORT used(const ACL *list)
{
    const struct entry *one = first(list);

    for (int i = 0; i < list->AceCount && whole(list, one); i++) one = next(one);
    return (USHORT)((const char *)one - (const char *)list);
}

int read_descriptor(const void *bytes, ULONG size, struct descriptor *out)
{
    const struct { UCHAR revision, zero; USHORT control; ULONG owner, group, sacl, dacl; } *head = bytes;
    const char *start = bytes;

    memset(out, 0, sizeof *out);
    if (size < 20 || head->revision != 1 || !(head->control & SE_SELF_RELATIVE)) return 0;
    if (head->owner > size - 8 || head->group > size - 8 || head->sacl > size - 8 || head->dacl > size - 8) return 0;
    out->control = head->control;
    if (head->owner) out->owner = (const SID *)(start + head->owner);
    if (head->group) out->group = (const SID *)(start + head->group);
    if (head->dacl && head->control & SE_DACL_PRESENT) out->dacl = (const ACL *)(start + head->dacl);
    if (head->sacl && head->control & SE_SACL_PRESENT) out->sacl = (const ACL *)(start + head->sacl);
    return (!out->owner || head->owner + size_of(out->owner) <= size)
           && (!out->group || head->group + size_of(out->group) <= size)
           && (!out->dacl || head->dacl + out->dacl->AclSize <= size)
           && (!out->sacl || head->sacl + out->sacl->AclSize <= size);
}

ULONG write_descriptor(const struct descriptor *parts, void *out, ULONG room)
{
    struct { UCHAR revision, zero; USHORT control; ULONG owner, group, sacl, dacl; } *head = out;
    ULONG sizes[4] = {parts->owner ? size_of(parts->owner) : 0, parts->group ? size_of(parts->group) : 0,
                      parts->sacl ? used(parts->sacl) : 0, parts->dacl ? used(parts->dacl) : 0};
    const void *from[4] = {parts->owner, parts->group, parts->sacl, parts->dacl};
    ULONG *at[4] = {&head->owner, &head->group, &head->sacl, &head->dacl}, end = 20;

    for (int i = 0; i < 4; i++) end += sizes[i];
    if (end > room) return 0;
    memset(head, 0, 20);
    head->revision = 1;
    head->control = parts->control | SE_SELF_RELATIVE;
    end = 20;
    for (int i = 0; i < 4; i++) {
        if (!sizes[i]) continue;
        *at[i] = end;
        memcpy((char *)out + end, from[i], sizes[i]);
        if (i > 1) ((ACL *)((char *)out + end))->AclSize = (USHORT)sizes[i];
        end += sizes[i];
    }
    return end;
}

/* --- lists ---------------------------------------------------------------------------------------------------------- */

static int plain(const struct entry *one)
{
    return one->type <= ACCESS_DENIED_ACE_TYPE;
}

static void begin(struct list *list)
{
    list->head = (ACL){.AclRevision = ACL_REVISION, .AclSize = sizeof list->head};
}

static int put(struct list *list, const struct entry *one, UCHAR flags, ULONG mask, const SID *sid)
{
    struct entry *to = (struct entry *)((char *)list + list->head.AclSize);
    ULONG size = plain(one) ? 8 + size_of(sid) : one->size;

    if (list->head.AclSize + size > sizeof *list) return 0;
    memcpy(to, one, plain(one) ? 8 : one->size);
    to->flags = flags;
    to->size = (USHORT)size;
    if (plain(one)) {
        to->mask = mask;
        memcpy(&to->sid, sid, size_of(sid));
    }
    list->head.AclSize += (USHORT)size;
    list->head.AceCount++;
    return 1;
}

static int parts_of_reach(UCHAR flags)
{
    return (flags & (OBJECT | CONTAINER)) | (flags & ONLY_BELOW ? 0 : HERE);
}

/* Put an inherited entry less what those from `since` on say already. */
static int put_once(struct list *list, ULONG since, const struct entry *one, UCHAR flags, ULONG mask, const SID *sid)
{
    const struct entry *old = (const struct entry *)((char *)list + since);
    const struct entry *end = (const struct entry *)((char *)list + list->head.AclSize);
    int parts = parts_of_reach(flags);

    for (; old < end; old = next(old)) {
        if (old->type != one->type || (old->flags | REACH) != (flags | REACH)) continue;
        if (plain(one) ? same(&old->sid, sid) && !(mask & ~old->mask)
                       : old->size == one->size && equal(&old->mask, &one->mask, one->size - 4))
            parts &= ~parts_of_reach(old->flags);
    }
    if (!parts) return 1;
    flags = (UCHAR)((flags & ~REACH) | (parts & (OBJECT | CONTAINER)) | (parts & HERE ? 0 : ONLY_BELOW));
    return put(list, one, flags, mask, sid);
}

ULONG mapped_rights(ULONG mask)
{
    if (mask & GENERIC_READ) mask = (mask & ~GENERIC_READ) | FILE_GENERIC_READ;
    if (mask & GENERIC_WRITE) mask = (mask & ~GENERIC_WRITE) | FILE_GENERIC_WRITE;
    if (mask & GENERIC_EXECUTE) mask = (mask & ~GENERIC_EXECUTE) | FILE_GENERIC_EXECUTE;
    if (mask & GENERIC_ALL) mask = (mask & ~GENERIC_ALL) | FILE_ALL_ACCESS;
    return mask & FILE_ALL_ACCESS;
}

/* Put an entry as it takes effect: generic rights are mapped, creators replaced. What changes in that and is handed on
 * becomes two. `since` 0: it is no inherited one. */
static int settle(struct list *list, ULONG since, const struct entry *one, UCHAR flags, int folder,
                  const struct descriptor *object)
{
    const SID *sid = &one->sid;
    ULONG mask = one->mask;

    if (!folder) {
        if (flags & ONLY_BELOW) return 1;
        flags &= (UCHAR)~DOWN;
    }
    if (plain(one) && !(flags & ONLY_BELOW)) {
        if (sid->SubAuthorityCount == 1 && equal(&sid->IdentifierAuthority, &CREATOR, sizeof CREATOR)
            && sid->SubAuthority[0] < 2)
            sid = sid->SubAuthority[0] ? object->group : object->owner;
        mask = mapped_rights(mask);
        if (sid != &one->sid || mask != one->mask) {
            if (mask && !(since ? put_once(list, since, one, flags & (UCHAR)~DOWN, mask, sid)
                                : put(list, one, flags & (UCHAR)~DOWN, mask, sid)))
                return 0;
            if (!(flags & (OBJECT | CONTAINER))) return 1;
            sid = &one->sid;
            mask = one->mask;
            flags |= ONLY_BELOW;
        }
    }
    return since ? put_once(list, since, one, flags, mask, sid) : put(list, one, flags, mask, sid);
}

static int add_own(struct list *list, const ACL *own, int protected, int folder, const struct descriptor *object)
{
    const struct entry *one = first(own);

    for (int i = 0; i < own->AceCount && (one = whole(own, one)); i++, one = next(one)) {
        if (one->flags & CAME && !protected) continue;
        if (!settle(list, 0, one, one->flags & (UCHAR)~CAME, folder, object)) return 0;
    }
    return 1;
}

static int add_from_above(struct list *list, const ACL *above, int folder, const struct descriptor *object)
{
    const struct entry *one = first(above);
    const ULONG since = list->head.AclSize;

    for (int i = 0; i < above->AceCount && (one = whole(above, one)); i++, one = next(one)) {
        const int further = folder && !(one->flags & NO_FURTHER);
        UCHAR flags = one->flags;

        if (flags & (folder ? CONTAINER : OBJECT)) flags &= (UCHAR)~(further ? ONLY_BELOW : DOWN);
        else if (further && flags & (CONTAINER | OBJECT)) flags |= ONLY_BELOW;
        else continue;
        if (!settle(list, since, one, flags | CAME, folder, object)) return 0;
    }
    return 1;
}

ULONG descriptor_below(const struct descriptor *above, const struct descriptor *own, int folder, void *out, ULONG room)
{
    struct descriptor made = {.control = INHERITED_FLAGS, .owner = &ADMINISTRATORS.sid, .group = &SYSTEM};
    struct list list;
    int protected = 0;

    if (own) {
        if (own->owner) made.owner = own->owner;
        if (own->group) made.group = own->group;
        made.sacl = own->sacl;
        protected = own->control & SE_DACL_PROTECTED;
        made.control |= own->control & (SE_DACL_PROTECTED | SE_SACL_PRESENT | SE_SACL_PROTECTED | SE_SACL_AUTO_INHERITED);
        if (own->control & SE_DACL_PRESENT && !own->dacl) return write_descriptor(&made, out, room); /* all is allowed */
    }
    begin(&list);
    if (own && own->dacl && !add_own(&list, own->dacl, protected, folder, &made)) return 0;
    if (!protected && above->dacl && !add_from_above(&list, above->dacl, folder, &made)) return 0;
    if (!list.head.AceCount && !own) {
        const struct entry full = {.type = ACCESS_ALLOWED_ACE_TYPE};

        made.control &= (USHORT)~SE_DACL_AUTO_INHERITED;
        put(&list, &full, 0, FILE_ALL_ACCESS, made.owner);
        if (!same(made.owner, &SYSTEM)) put(&list, &full, 0, FILE_ALL_ACCESS, &SYSTEM);
    }
    made.dacl = &list.head;
    return write_descriptor(&made, out, room);
}

int is_granted(const struct descriptor *parts, const SID *const *accounts, int count, ULONG wanted)
{
    const struct entry *one;
    ULONG open = wanted;

    if (!parts->dacl) return 1;
    for (int i = 0; parts->owner && i < count; i++)
        if (same(parts->owner, accounts[i])) open &= ~(ULONG)(READ_CONTROL | WRITE_DAC);
    one = first(parts->dacl);
    for (int i = 0; open && i < parts->dacl->AceCount && (one = whole(parts->dacl, one)); i++, one = next(one)) {
        int ours = 0;

        if (!plain(one) || one->flags & ONLY_BELOW) continue;
        for (int k = 0; k < count; k++) ours |= same(&one->sid, accounts[k]);
        if (!ours) continue;
        if (one->type == ACCESS_DENIED_ACE_TYPE && mapped_rights(one->mask) & open) return 0;
        open &= one->type == ACCESS_DENIED_ACE_TYPE ? ~0u : ~mapped_rights(one->mask);
    }
    return !open;
}

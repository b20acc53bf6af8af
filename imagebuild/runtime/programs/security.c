/* SPDX-License-Identifier: Apache-2.0 */
/* Owners and access control lists of files (a part of wcowbase.dll). Wine keeps none: it makes up a list from a file's
 * mode, and of one that is set only the mode stays. Here they are attributes of the files, in Windows' own bytes, as the
 * layers of an image brought them (runtime/unpacking/unpack.py) and as a commit reads them (runtime/snapshots/changes.py). What has none
 * inherits from its folder.
 *
 * A folder's new list is handed down to all below at once, as SetNamedSecurityInfo of Windows does; Wine's does not.
 */
#include "acl.h"

#define SECURITY "user.wcow.security"
#define DEEPEST 128
#define ALL_PARTS (OWNER_SECURITY_INFORMATION | GROUP_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION)

NTSYSAPI NTSTATUS NTAPI ZwQuerySecurityObject(HANDLE, SECURITY_INFORMATION, void *, ULONG, ULONG *);
NTSYSAPI NTSTATUS NTAPI ZwSetSecurityObject(HANDLE, SECURITY_INFORMATION, void *);
NTSYSAPI NTSTATUS NTAPI ZwQueryObject(HANDLE, ULONG, void *, ULONG, ULONG *);
NTSYSAPI NTSTATUS NTAPI RtlGetControlSecurityDescriptor(void *, SECURITY_DESCRIPTOR_CONTROL *, ULONG *);
NTSYSAPI NTSTATUS NTAPI RtlGetOwnerSecurityDescriptor(void *, SID **, BOOLEAN *);
NTSYSAPI NTSTATUS NTAPI RtlGetGroupSecurityDescriptor(void *, SID **, BOOLEAN *);
NTSYSAPI NTSTATUS NTAPI RtlGetDaclSecurityDescriptor(void *, BOOLEAN *, ACL **, BOOLEAN *);
NTSYSAPI NTSTATUS NTAPI RtlGetSaclSecurityDescriptor(void *, BOOLEAN *, ACL **, BOOLEAN *);

/* C:\ of every container on Windows Server: ROOT_SDDL of windows/folders.py, which no layer has. */
static const UCHAR ROOT[] = {
    0x01, 0x00, 0x04, 0x80, 0x14, 0x00, 0x00, 0x00, 0x24, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x30, 0x00, 0x00, 0x00, 0x01, 0x02, 0x00, 0x00, 0x00, 0x00, 0x00, 0x05, 0x20, 0x00, 0x00, 0x00,
    0x20, 0x02, 0x00, 0x00, 0x01, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x05, 0x12, 0x00, 0x00, 0x00,
    0x02, 0x00, 0xa4, 0x00, 0x07, 0x00, 0x00, 0x00, 0x00, 0x03, 0x18, 0x00, 0xff, 0x01, 0x1f, 0x00,
    0x01, 0x02, 0x00, 0x00, 0x00, 0x00, 0x00, 0x05, 0x20, 0x00, 0x00, 0x00, 0x20, 0x02, 0x00, 0x00,
    0x00, 0x03, 0x14, 0x00, 0xff, 0x01, 0x1f, 0x00, 0x01, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x05,
    0x12, 0x00, 0x00, 0x00, 0x00, 0x0b, 0x14, 0x00, 0x00, 0x00, 0x00, 0x10, 0x01, 0x01, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x03, 0x00, 0x00, 0x00, 0x00, 0x00, 0x03, 0x18, 0x00, 0xa9, 0x00, 0x12, 0x00,
    0x01, 0x02, 0x00, 0x00, 0x00, 0x00, 0x00, 0x05, 0x20, 0x00, 0x00, 0x00, 0x21, 0x02, 0x00, 0x00,
    0x00, 0x02, 0x18, 0x00, 0x04, 0x00, 0x00, 0x00, 0x01, 0x02, 0x00, 0x00, 0x00, 0x00, 0x00, 0x05,
    0x20, 0x00, 0x00, 0x00, 0x21, 0x02, 0x00, 0x00, 0x00, 0x0a, 0x18, 0x00, 0x02, 0x00, 0x00, 0x00,
    0x01, 0x02, 0x00, 0x00, 0x00, 0x00, 0x00, 0x05, 0x20, 0x00, 0x00, 0x00, 0x21, 0x02, 0x00, 0x00,
    0x00, 0x00, 0x14, 0x00, 0xa9, 0x00, 0x12, 0x00, 0x01, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01,
    0x00, 0x00, 0x00, 0x00,
};

static int held_at(const char *path, struct held *out)
{
    struct descriptor parts;
    int size = linux_getxattr(path, SECURITY, out->bytes, sizeof out->bytes);

    out->size = size > 0 ? size : 0;
    return out->size && read_descriptor(out->bytes, out->size, &parts);
}

static int is_folder(const char *path)
{
    struct linux_stat found;

    return !linux_stat(AT_CWD, path, &found, 0) && (found.mode & KIND_MODE) == DIRECTORY_MODE;
}

static int derive(const struct held *above, const struct held *own, int folder, struct held *out)
{
    struct descriptor from, mine;

    if (!read_descriptor(above->bytes, above->size, &from)) return 0;
    if (own && !read_descriptor(own->bytes, own->size, &mine)) own = NULL;
    out->size = descriptor_below(&from, own ? &mine : NULL, folder, out->bytes, sizeof out->bytes);
    return out->size != 0;
}

int effective_security(const char *path, struct held *out)
{
    char here[LONG_PATH];
    struct held *above;
    const char *root = drive_of(path);
    size_t at, whole = strlen(path);
    int good = 1;

    if (!root || held_at(path, out)) return root != NULL;
    strcpy(here, path);
    for (at = whole; at > (size_t)(root - path);) {
        while (at > (size_t)(root - path) && here[at - 1] != '/') at--;
        while (at > (size_t)(root - path) && here[at - 1] == '/') at--;
        here[at] = 0;
        if (at <= (size_t)(root - path) || held_at(here, out)) break;
    }
    if (at <= (size_t)(root - path) && !held_at(here, out)) memcpy(out->bytes, ROOT, out->size = sizeof ROOT);
    if (!(above = keep(sizeof *above))) return 0;
    while (good && at < whole) { /* down again, one name at a time */
        while (path[at] == '/') here[at] = '/', at++;
        while (at < whole && path[at] != '/') here[at] = path[at], at++;
        here[at] = 0;
        *above = *out;
        good = derive(above, NULL, at < whole || is_folder(path), out);
    }
    give_back(above);
    return good;
}

static int store(const char *path, const struct held *what)
{
    struct linux_stat found;
    int error = linux_setxattr(path, SECURITY, what->bytes, what->size);

    /* an attribute can be written as long as the file can */
    if ((error == -LINUX_EACCES || error == -LINUX_EPERM) && !linux_stat(AT_CWD, path, &found, 0)
        && !(found.mode & 0200)) {
        linux_chmod(path, (found.mode & 07777) | 0200);
        error = linux_setxattr(path, SECURITY, what->bytes, what->size);
        linux_chmod(path, found.mode & 07777);
    }
    return error;
}

/* Whose a new file is, and what CREATOR OWNER of its folder's list gives; for Administrators nothing has to be said. */
void set_owner_of_new(const char *path, const SID *owner)
{
    struct held *above = keep(2 * sizeof *above), *now = above + 1;
    struct descriptor from, own = {.owner = owner};
    char folder[LONG_PATH], *slash;

    if (!above) return;
    strcpy(folder, path);
    if ((slash = strrchr(folder, '/'))) *slash = 0;
    if (slash && effective_security(folder, above) && read_descriptor(above->bytes, above->size, &from)
        && (now->size = descriptor_below(&from, &own, is_folder(path), now->bytes, sizeof now->bytes)))
        store(path, now);
    give_back(above);
}

/* --- handed down ---------------------------------------------------------------------------------------------------- */

struct level {
    struct held before, now, own;
    char names[2048] __attribute__((aligned(8)));
};

static int hand_down(char *path, const struct held *before, const struct held *now, int depth);

static int hand_to(char *path, const char *name, int folder, const struct held *before, const struct held *now,
                   struct level *room, int depth)
{
    const size_t end = strlen(path);
    int own, error = 0;

    if (end + strlen(name) + 2 > LONG_PATH) return -LINUX_EINVAL;
    strcat(strcat(path, "/"), name);
    own = held_at(path, &room->own);
    if (own) room->before = room->own;
    else if (!derive(before, NULL, folder, &room->before)) error = -LINUX_ENOSPC;
    if (!error && !derive(now, own ? &room->own : NULL, folder, &room->now)) error = -LINUX_ENOSPC;
    if (!error && (room->now.size != room->before.size || !equal(room->now.bytes, room->before.bytes, room->now.size))) {
        error = store(path, &room->now);
        if (!error && folder) error = hand_down(path, &room->before, &room->now, depth + 1);
    }
    path[end] = 0;
    return error;
}

static int hand_down(char *path, const struct held *before, const struct held *now, int depth)
{
    struct level *room;
    int fd, got, error = 0;

    if (depth > DEEPEST || !(room = keep(sizeof *room))) return -LINUX_EINVAL;
    if ((fd = linux_open((int)AT_CWD, path, OPEN_DIRECTORY, 0)) < 0) error = fd;
    while (!error && (got = linux_entries(fd, room->names, sizeof room->names)) > 0)
        for (char *at = room->names; !error && at < room->names + got; at += ((struct linux_entry *)at)->length) {
            const struct linux_entry *one = (const struct linux_entry *)at;

            if (!strcmp(one->name, ".") || !strcmp(one->name, "..") || one->kind == ENTRY_LINK) continue;
            error = hand_to(path, one->name, one->kind == ENTRY_DIRECTORY, before, now, room, depth);
        }
    if (fd >= 0) linux_close(fd);
    give_back(room);
    return error;
}

/* --- the calls ------------------------------------------------------------------------------------------------------ */

static int may(HANDLE handle, ACCESS_MASK access)
{
    struct { ULONG attributes; ACCESS_MASK granted; ULONG rest[12]; } basic; /* OBJECT_BASIC_INFORMATION */

    return ZwQueryObject(handle, 0, &basic, sizeof basic, NULL) || (basic.granted & access) == access;
}

/* A file on a drive; a link has no security of its own here. */
static int is_ours(HANDLE handle, char *path)
{
    return !opened_link(handle, path) && path_of(handle, path) && drive_of(path);
}

NTSTATUS WINAPI NtQuerySecurityObject(HANDLE handle, SECURITY_INFORMATION wanted, void *out, ULONG size, ULONG *needed)
{
    char path[LONG_PATH];
    struct descriptor parts;
    struct held *found, *told;
    NTSTATUS status = UNSUCCESSFUL;

    if (!is_ours(handle, path)) return ZwQuerySecurityObject(handle, wanted, out, size, needed);
    if (wanted & ALL_PARTS && !may(handle, READ_CONTROL)) return DENIED;
    found = keep(2 * sizeof *found);
    if (!found) return NO_MEMORY;
    told = found + 1;
    if (effective_security(path, found) && read_descriptor(found->bytes, found->size, &parts)) {
        if (!(wanted & OWNER_SECURITY_INFORMATION)) parts.owner = NULL;
        if (!(wanted & GROUP_SECURITY_INFORMATION)) parts.group = NULL;
        if (!(wanted & DACL_SECURITY_INFORMATION))
            parts.dacl = NULL, parts.control &= (USHORT)~(SE_DACL_PRESENT | SE_DACL_PROTECTED | SE_DACL_AUTO_INHERITED);
        if (!(wanted & SACL_SECURITY_INFORMATION))
            parts.sacl = NULL, parts.control &= (USHORT)~(SE_SACL_PRESENT | SE_SACL_PROTECTED | SE_SACL_AUTO_INHERITED);
        told->size = write_descriptor(&parts, told->bytes, sizeof told->bytes);
        if (needed) *needed = told->size;
        status = told->size > size ? TOO_SMALL : 0;
        if (!status) memcpy(out, told->bytes, told->size);
    }
    give_back(found);
    return status;
}

/* What a descriptor says of the parts that are to be set; what it does not say stays. */
static void change(struct descriptor *parts, SECURITY_INFORMATION set, void *to)
{
    SECURITY_DESCRIPTOR_CONTROL control = 0;
    BOOLEAN present, unused;
    ULONG revision;
    SID *sid;
    ACL *list;

    RtlGetControlSecurityDescriptor(to, &control, &revision);
    if (set & OWNER_SECURITY_INFORMATION && !RtlGetOwnerSecurityDescriptor(to, &sid, &unused) && sid) parts->owner = sid;
    if (set & GROUP_SECURITY_INFORMATION && !RtlGetGroupSecurityDescriptor(to, &sid, &unused) && sid) parts->group = sid;
    if (set & SACL_SECURITY_INFORMATION && !RtlGetSaclSecurityDescriptor(to, &present, &list, &unused)) {
        parts->sacl = present ? list : NULL;
        parts->control = (USHORT)((parts->control & ~(SE_SACL_PRESENT | SE_SACL_PROTECTED))
                                  | (control & (SE_SACL_PRESENT | SE_SACL_PROTECTED)));
    }
    if (!(set & DACL_SECURITY_INFORMATION)) return;
    if (!RtlGetDaclSecurityDescriptor(to, &present, &list, &unused)) parts->dacl = present ? list : NULL;
    parts->control |= SE_DACL_PRESENT;
    if (set & PROTECTED_DACL_SECURITY_INFORMATION || control & SE_DACL_PROTECTED) parts->control |= SE_DACL_PROTECTED;
    else if (set & UNPROTECTED_DACL_SECURITY_INFORMATION) parts->control &= (USHORT)~SE_DACL_PROTECTED;
}

static NTSTATUS set_all(const char *path, SECURITY_INFORMATION set, void *to, struct held *room)
{
    struct held *before = room, *wanted = room + 1, *above = room + 2, *now = room + 3;
    char folder[LONG_PATH], *slash;
    struct descriptor parts;
    const char *root = drive_of(path);
    const int is = is_folder(path);
    int error;

    if (!effective_security(path, before) || !read_descriptor(before->bytes, before->size, &parts)) return UNSUCCESSFUL;
    change(&parts, set, to);
    if (!(wanted->size = write_descriptor(&parts, wanted->bytes, sizeof wanted->bytes))) return FULL;
    strcpy(folder, path);
    slash = strrchr(folder, '/');
    if (!path[root - path] || !slash) memcpy(above->bytes, ROOT, above->size = sizeof ROOT), above = NULL;
    else {
        *slash = 0;
        if (!effective_security(folder, above)) return UNSUCCESSFUL;
    }
    if (!above) *now = *wanted; /* the drive itself: nothing is above */
    else if (!derive(above, wanted, is, now)) return FULL;
    if ((error = store(path, now))) return status_of(error);
    if (!is || !(set & DACL_SECURITY_INFORMATION)) return 0;
    strcpy(folder, path);
    return status_of(hand_down(folder, before, now, 0));
}

NTSTATUS WINAPI NtSetSecurityObject(HANDLE handle, SECURITY_INFORMATION set, void *to)
{
    char path[LONG_PATH];
    struct held *room;
    NTSTATUS status;

    if (!is_ours(handle, path)) return ZwSetSecurityObject(handle, set, to);
    if ((set & DACL_SECURITY_INFORMATION && !may(handle, WRITE_DAC))
        || (set & (OWNER_SECURITY_INFORMATION | GROUP_SECURITY_INFORMATION) && !may(handle, WRITE_OWNER)))
        return DENIED;
    if (!(room = keep(4 * sizeof *room))) return NO_MEMORY;
    status = set_all(path, set, to, room);
    give_back(room);
    return status;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Links among the names of a folder (a part of wcowbase.dll): Wine tells of what they lead to, and of those that lead
 * nowhere nothing. */
#include "base.h"

#define NAME_ROOM 256

NTSYSAPI NTSTATUS NTAPI ZwQueryDirectoryFile(HANDLE, HANDLE, void *, void *, IO_STATUS_BLOCK *, void *, ULONG, ULONG,
                                             BOOLEAN, UNICODE_STRING *, BOOLEAN);

struct found { enum kind kind; int told; char name[NAME_ROOM]; };

/* A folder that is being read: its links, and what of its names is asked for. */
struct listing {
    int count, room, creations, one; /* one: a single name is asked for, perhaps in another case */
    struct found *links;
    WCHAR mask[NAME_ROOM]; /* in capitals; empty: all */
};

struct entry { /* what all classes but the one of names alone begin with */
    ULONG next, index;
    LONGLONG created, accessed, written, changed, size, allocated;
    ULONG attributes, name_length, extra; /* of a link its tag, else the size of its extended attributes */
};

/* Where the name of an entry is; 0: a class that we do not know. */
static ULONG name_at(ULONG class)
{
    switch (class) {
    case 1: return 64; /* FileDirectoryInformation */
    case 2: return 68; /* FileFullDirectoryInformation */
    case 3: return 94; /* FileBothDirectoryInformation */
    case 12: return 12; /* FileNamesInformation */
    case 37: return 104; /* FileIdBothDirectoryInformation */
    case 38: return 80; /* FileIdFullDirectoryInformation */
    }
    return 0;
}

void forget_listing(struct listing *listing)
{
    give_back(listing->links);
    give_back(listing);
}

static void add_link(struct listing *listing, int folder, const char *name)
{
    struct found *more;
    enum kind kind = kind_at(folder, name);

    if (!kind || strlen(name) >= NAME_ROOM) return;
    if (listing->count == listing->room) {
        int room = listing->room ? 2 * listing->room : 8;

        if (!(more = keep(room * sizeof *more))) return;
        if (listing->links) memcpy(more, listing->links, listing->count * sizeof *more);
        give_back(listing->links);
        listing->links = more;
        listing->room = room;
    }
    listing->links[listing->count].kind = kind;
    strcpy(listing->links[listing->count++].name, name);
}

static int is_wild(const WCHAR *mask)
{
    for (; *mask; mask++) if (wcschr(L"*?<>\"", *mask)) return 1;
    return 0;
}

static struct listing *look(int folder, const UNICODE_STRING *mask)
{
    struct listing *listing = keep(sizeof *listing);
    char names[8192] __attribute__((aligned(8))), name[4 * NAME_ROOM];
    long long got;
    ULONG length;
    int fd;

    if (!listing) return NULL;
    listing->creations = has_creations(folder);
    if (mask && (length = mask->Length / 2) && length < NAME_ROOM) {
        for (ULONG i = 0; i < length; i++) listing->mask[i] = RtlUpcaseUnicodeChar(mask->Buffer[i]);
        if ((listing->one = !is_wild(listing->mask))) {
            if (to_utf8(mask->Buffer, length, name, sizeof name)) add_link(listing, folder, name);
            return listing;
        }
    }
    if ((fd = linux_open(folder, ".", OPEN_DIRECTORY, 0)) < 0) return listing;
    while ((got = linux_entries(fd, names, sizeof names)) > 0)
        for (char *at = names; at < names + got; at += ((struct linux_entry *)at)->length)
            if (((struct linux_entry *)at)->kind == ENTRY_LINK) add_link(listing, fd, ((struct linux_entry *)at)->name);
    linux_close(fd);
    return listing;
}

/* Masks as NtQueryDirectoryFile has them: < is *, > is ?, and " is a point, each also at the end of the name. */
static int matches(const WCHAR *mask, const WCHAR *name)
{
    for (; *mask; mask++) {
        switch (*mask) {
        case '*': case '<':
            while (mask[1] == '*' || mask[1] == '<') mask++;
            do if (matches(mask + 1, name)) return 1; while (*name++);
            return 0;
        case '>':
            if (*name && *name != '.') name++;
            break;
        case '?':
            if (!*name++) return 0;
            break;
        case '"':
            if (*name == '.') name++;
            else if (*name) return 0;
            break;
        default:
            if (*mask != RtlUpcaseUnicodeChar(*name)) return 0;
            name++;
        }
    }
    return !*name;
}

/* Correct what Wine has said; what was told of a link is noted. */
static void correct(struct listing *listing, int folder, char *out, ULONG class)
{
    char name[4 * NAME_ROOM], path[4 * NAME_ROOM + 40];
    const ULONG where = name_at(class);

    for (char *at = out;; at += ((struct entry *)at)->next) {
        struct entry *entry = (struct entry *)at;
        ULONG length = class == 12 ? *(ULONG *)(at + 8) : entry->name_length;
        struct found *link = NULL;
        struct linux_stat found;

        if (to_utf8((WCHAR *)(at + where), length / 2, name, sizeof name)) {
            if (listing->one && !listing->count) add_link(listing, folder, name);
            for (int i = 0; i < listing->count && !link; i++)
                if (!strcmp(listing->links[i].name, name)) (link = &listing->links[i])->told = 1;
            if (class == 12) ;
            else if (link && !linux_stat(folder, name, &found, AT_NOFOLLOW)) {
                entry->created = entry->written = filetime(found.modified);
                entry->accessed = filetime(found.accessed);
                entry->changed = filetime(found.changed);
                entry->size = entry->allocated = 0;
                entry->attributes = attributes_of(link->kind);
                if (class != 1) entry->extra = tag_of(link->kind);
            } else if (listing->creations) {
                path_of_number(folder, path);
                tell_creation(0, strcat(strcat(path, "/"), name), &entry->created);
            }
        }
        if (!entry->next) return;
    }
}

/* Links that lead nowhere, behind all that Wine has told. */
static NTSTATUS add_rest(struct listing *listing, int folder, IO_STATUS_BLOCK *io, char *out, ULONG size, ULONG class,
                         int single)
{
    const ULONG where = name_at(class);
    ULONG used = 0, last = 0;
    WCHAR name[NAME_ROOM];

    for (int i = 0; i < listing->count; i++) {
        struct found *link = &listing->links[i];
        struct linux_stat found;
        struct entry *entry;
        ULONG start = (used + 7) & ~7u, length;

        if (link->told || linux_stat(folder, link->name, &found, AT_NOFOLLOW)) continue;
        if (!(length = 2 * (ULONG)to_utf16(link->name, name, NAME_ROOM))) continue;
        if (listing->mask[0] && !matches(listing->mask, name)) continue;
        if (start + where + length > size) {
            if (!used) return io->Status = OVERFLOWN;
            break;
        }
        entry = (struct entry *)(out + start);
        memset(entry, 0, where);
        if (class == 12) *(ULONG *)(out + start + 8) = length;
        else {
            entry->created = entry->written = filetime(found.modified);
            entry->accessed = filetime(found.accessed);
            entry->changed = filetime(found.changed);
            entry->attributes = attributes_of(link->kind);
            entry->name_length = length;
            if (class != 1) entry->extra = tag_of(link->kind);
            if (class == 37) memcpy(out + start + 96, &found.inode, 8);
            if (class == 38) memcpy(out + start + 72, &found.inode, 8);
        }
        memcpy(out + start + where, name, length);
        if (used) ((struct entry *)(out + last))->next = start - last;
        last = start;
        used = start + where + length;
        link->told = 1;
        if (single) break;
    }
    if (!used) return -1;
    io->Information = used;
    return io->Status = 0;
}

/* Names of pipes, those that are asked for. */
static NTSTATUS list_pipes(HANDLE handle, IO_STATUS_BLOCK *io, char *out, ULONG size, ULONG class, int single,
                           const UNICODE_STRING *mask, int restart)
{
    const ULONG where = name_at(class);
    ULONG used = 0, last = 0, length = mask ? mask->Length / 2 : 0;
    WCHAR wanted[NAME_ROOM] = L"";
    struct opened *one;
    int first = restart;

    if (length < NAME_ROOM) for (ULONG i = 0; i < length; i++) wanted[i] = RtlUpcaseUnicodeChar(mask->Buffer[i]);
    lock_opened();
    if ((one = add_opened(handle)) && (restart || !one->pipes)) {
        give_back(one->pipes);
        one->pipes = names_of_pipes(handle);
        one->next_pipe = 0;
        first = 1;
    }
    while (one && one->pipes && one->pipes[one->next_pipe]) {
        const WCHAR *name = one->pipes + one->next_pipe;
        ULONG start = (used + 7) & ~7u;
        struct entry *entry = (struct entry *)(out + start);

        length = 2 * (ULONG)wcslen(name);
        if (wanted[0] && !matches(wanted, name)) {
            one->next_pipe += length / 2 + 1;
            continue;
        }
        if (start + where + length > size) break;
        memset(entry, 0, where);
        if (class == 12) *(ULONG *)(out + start + 8) = length;
        else entry->attributes = FILE_ATTRIBUTE_NORMAL, entry->name_length = length;
        memcpy(out + start + where, name, length);
        if (used) ((struct entry *)(out + last))->next = start - last;
        last = start;
        used = start + where + length;
        one->next_pipe += length / 2 + 1;
        if (single) break;
    }
    unlock_opened();
    io->Information = used;
    return io->Status = used ? 0 : first ? NO_SUCH_FILE : NO_MORE_FILES;
}

NTSTATUS WINAPI NtQueryDirectoryFile(HANDLE handle, HANDLE event, void *apc, void *context, IO_STATUS_BLOCK *io,
                                     void *out, ULONG size, ULONG class, BOOLEAN single, UNICODE_STRING *mask, BOOLEAN restart)
{
    struct listing *listing = NULL;
    struct opened *one;
    NTSTATUS status, more;
    int folder = -1;

    if (!name_at(class) || !find_wines()) folder = -1;
    else if (file_of(handle, 0, &folder, NULL)) {
        if (is_pipe_root(handle)) return list_pipes(handle, io, out, size, class, single, mask, restart);
        folder = -1;
    }
    if (folder < 0)
        return ZwQueryDirectoryFile(handle, event, apc, context, io, out, size, class, single, mask, restart);
    lock_opened();
    one = add_opened(handle);
    if (one && one->link) { /* nothing is below a link itself */
        unlock_opened();
        linux_close(folder);
        return io->Status = NO_MORE_FILES;
    }
    if (one && (restart || !one->listing)) {
        if (one->listing) forget_listing(one->listing);
        one->listing = look(folder, mask);
    }
    if (one) listing = one->listing;
    unlock_opened();
    status = ZwQueryDirectoryFile(handle, event, apc, context, io, out, size, class, single, mask, restart);
    if (listing && (listing->count || listing->creations || listing->one)) {
        if (!status) correct(listing, folder, out, class);
        else if (status == NO_MORE_FILES || status == NO_SUCH_FILE) {
            more = add_rest(listing, folder, io, out, size, class, single);
            if (more != -1) status = more;
        }
    }
    linux_close(folder);
    return status;
}

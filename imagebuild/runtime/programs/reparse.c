/* SPDX-License-Identifier: Apache-2.0 */
/* Links as programs of Windows see them (a part of wcowbase.dll).
 *
 * A link is a Linux link whose text says what Windows keeps in the reparse point (links.py has the forms). Wine goes
 * through it, whatever a program asks. So what asks for the link itself is answered here: a handle of it is one of the
 * folder that it is in, and our table knows better.
 */
#include "acl.h"

#define GET_REPARSE 0x900A8 /* FSCTL_GET_REPARSE_POINT and its sisters */
#define SET_REPARSE 0x900A4
#define DELETE_REPARSE 0x900AC
#define OPEN_REPARSE 0x00200000 /* FILE_OPEN_REPARSE_POINT */
#define ONLY_FOLDER 1 /* FILE_DIRECTORY_FILE */
#define ONLY_FILE 0x40 /* FILE_NON_DIRECTORY_FILE */
#define DELETE_LATER 0x1000 /* FILE_DELETE_ON_CLOSE */
#define BLOCKING 0x30 /* FILE_SYNCHRONOUS_IO_ALERT, _NONALERT */
#define DEVICE_PATH 1 /* ObjectNameInformation */

struct reparse { /* REPARSE_DATA_BUFFER */
    ULONG tag;
    USHORT length, reserved, substitute, substitute_length, print, print_length;
    union { WCHAR junction[1]; struct { ULONG flags; WCHAR text[1]; } link; };
};

struct basic { LONGLONG created, accessed, written, changed; ULONG attributes, unused; };
struct standard { LONGLONG allocated, size; ULONG links; BOOLEAN leaves, folder, unused[2]; };
struct name { ULONG length; WCHAR text[1]; };

NTSYSAPI NTSTATUS NTAPI ZwCreateFile(HANDLE *, ACCESS_MASK, OBJECT_ATTRIBUTES *, IO_STATUS_BLOCK *, LARGE_INTEGER *,
                                     ULONG, ULONG, ULONG, ULONG, void *, ULONG);
NTSYSAPI NTSTATUS NTAPI ZwQueryInformationFile(HANDLE, IO_STATUS_BLOCK *, void *, ULONG, ULONG);
NTSYSAPI NTSTATUS NTAPI ZwSetInformationFile(HANDLE, IO_STATUS_BLOCK *, void *, ULONG, ULONG);
NTSYSAPI NTSTATUS NTAPI ZwQueryAttributesFile(const OBJECT_ATTRIBUTES *, void *);
NTSYSAPI NTSTATUS NTAPI ZwQueryFullAttributesFile(const OBJECT_ATTRIBUTES *, void *);
NTSYSAPI NTSTATUS NTAPI ZwFsControlFile(HANDLE, HANDLE, void *, void *, IO_STATUS_BLOCK *, ULONG, void *, ULONG, void *,
                                        ULONG);
NTSYSAPI NTSTATUS NTAPI ZwDeleteFile(OBJECT_ATTRIBUTES *);
NTSYSAPI NTSTATUS NTAPI ZwQueryObject(HANDLE, ULONG, void *, ULONG, ULONG *);
NTSYSAPI NTSTATUS NTAPI ZwSetEvent(HANDLE, LONG *);
NTSYSAPI NTSTATUS NTAPI RtlQueryDynamicTimeZoneInformation(DYNAMIC_TIME_ZONE_INFORMATION *);
NTSTATUS WINAPI NtClose(HANDLE);

/* --- by name ------------------------------------------------------------------------------------------------------ */

/* The link that a name stands for, and where it is. Most names are none, and are spelt as they are there: one call. */
static enum kind link_at(const OBJECT_ATTRIBUTES *attr, char *path)
{
    char text[8];

    if (!attr || !attr->ObjectName) return NO_LINK;
    if (!attr->RootDirectory && quick_path(attr->ObjectName, path)) {
        int length = linux_readlink(AT_CWD, path, text, sizeof text);

        if (length == -LINUX_EINVAL) return NO_LINK;
        if (length > 0) return kind_at(AT_CWD, path);
    }
    return slow_path(attr, path, 1) ? NO_LINK : kind_at(AT_CWD, path);
}

static NTSTATUS open_link(HANDLE *handle, const char *path, IO_STATUS_BLOCK *io, enum kind kind, ULONG options)
{
    char folder[LONG_PATH], *slash;
    WCHAR name[LONG_PATH];
    UNICODE_STRING text;
    OBJECT_ATTRIBUTES attr = {.Length = sizeof attr, .ObjectName = &text, .Attributes = OBJ_CASE_INSENSITIVE};
    struct opened *one;
    NTSTATUS status;

    if (options & ONLY_FOLDER && kind == FILE_LINK) return NOT_DIRECTORY;
    if (options & ONLY_FILE && kind != FILE_LINK) return IS_DIRECTORY;
    strcpy(folder, path);
    if ((slash = strrchr(folder, '/'))) *slash = 0;
    if (!nt_name(folder, name, LONG_PATH)) return NOT_SUPPORTED;
    RtlInitUnicodeString(&text, name);
    status = ZwCreateFile(handle, SYNCHRONIZE | FILE_READ_ATTRIBUTES, &attr, io, NULL, 0,
                          FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, 1, ONLY_FOLDER | (options & BLOCKING),
                          NULL, 0);
    if (status) return status;
    lock_opened();
    if ((one = add_opened(*handle)) && (one->link = keep(strlen(path) + 1))) {
        strcpy(one->link, path);
        one->leaves = !!(options & DELETE_LATER);
    } else status = NO_MEMORY;
    unlock_opened();
    if (status) NtClose(*handle);
    return status;
}

NTSTATUS WINAPI NtCreateFile(HANDLE *handle, ACCESS_MASK access, OBJECT_ATTRIBUTES *attr, IO_STATUS_BLOCK *io,
                             LARGE_INTEGER *size, ULONG attributes, ULONG sharing, ULONG disposition, ULONG options,
                             void *extended, ULONG length)
{
    /* DeleteFile, RemoveDirectory, MoveFile and SetFileAttributes mean the link too, and are known by what they ask. */
    const int itself = disposition == 1
                       && (access == (DELETE | SYNCHRONIZE) || (access == SYNCHRONIZE && options == 0x20));
    const ACCESS_MASK writes = GENERIC_WRITE | GENERIC_ALL | FILE_WRITE_DATA | FILE_APPEND_DATA | MAXIMUM_ALLOWED;
    char path[LONG_PATH];
    enum kind kind;
    NTSTATUS status;

    if (attributes & FILE_FLAG_OPEN_REPARSE_POINT) options |= OPEN_REPARSE; /* how CreateFile says it (altered.py) */
    attributes &= ~FILE_FLAG_OPEN_REPARSE_POINT;
    if ((status = may_open(attr, access, disposition, options))) return io->Status = status;
    if ((options & OPEN_REPARSE || itself) && disposition & 1 && (kind = link_at(attr, path)))
        return io->Status = open_link(handle, path, io, kind, options);
    status = ZwCreateFile(handle, access, attr, io, size, attributes, sharing, disposition, options, extended, length);
    if (status == DENIED && disposition == 1 && access & FILE_WRITE_ATTRIBUTES && !(access & writes)) /* read-only */
        status = ZwCreateFile(handle, access & ~(FILE_WRITE_ATTRIBUTES | FILE_WRITE_EA), attr, io, size, attributes,
                              sharing, disposition, options, extended, length);
    if (!status && io->Information == FILE_CREATED) own_created(*handle);
    if (!status && attributes & FILE_ATTRIBUTE_READONLY && attributes & (FILE_ATTRIBUTE_HIDDEN | FILE_ATTRIBUTE_SYSTEM)
        && io->Information == FILE_CREATED) { /* Wine makes it read-only, and can then say no more of it */
        struct basic basic = {.attributes = attributes & ~FILE_ATTRIBUTE_READONLY};
        IO_STATUS_BLOCK done;

        ZwSetInformationFile(*handle, &done, &basic, sizeof basic, FileBasicInformation);
        basic.attributes = attributes;
        ZwSetInformationFile(*handle, &done, &basic, sizeof basic, FileBasicInformation);
    }
    return status;
}

NTSTATUS WINAPI NtOpenFile(HANDLE *handle, ACCESS_MASK access, OBJECT_ATTRIBUTES *attr, IO_STATUS_BLOCK *io,
                           ULONG sharing, ULONG options)
{
    return NtCreateFile(handle, access, attr, io, NULL, 0, sharing, 1, options, NULL, 0);
}

NTSTATUS WINAPI NtDeleteFile(OBJECT_ATTRIBUTES *attr)
{
    char path[LONG_PATH];

    if (may_open(attr, DELETE, 1, 0)) return DENIED;
    return link_at(attr, path) ? status_of(linux_unlink(path, 0)) : ZwDeleteFile(attr);
}

static void fill_basic(struct basic *out, const struct linux_stat *found, enum kind kind)
{
    out->created = out->written = filetime(found->modified);
    out->accessed = filetime(found->accessed);
    out->changed = filetime(found->changed);
    out->attributes = kind ? attributes_of(kind)
                    : (found->mode & KIND_MODE) == DIRECTORY_MODE ? FILE_ATTRIBUTE_DIRECTORY : FILE_ATTRIBUTE_ARCHIVE;
}

/* What Wine said of a name is of what a link leads to; and it knows no creation time. */
static NTSTATUS corrected(const OBJECT_ATTRIBUTES *attr, NTSTATUS status, struct basic *out)
{
    char path[LONG_PATH], text[8];
    UNICODE_STRING pipes;
    struct linux_stat found;
    enum kind kind;
    int length = -LINUX_ENOENT;

    if (status == NO_DEVICE && !attr->RootDirectory) { /* \\.\pipe\ */
        RtlInitUnicodeString(&pipes, L"\\??\\pipe\\");
        if (!RtlEqualUnicodeString(&pipes, attr->ObjectName, TRUE)) return status;
        out->attributes = FILE_ATTRIBUTE_DIRECTORY;
        out->written = 1;
        return 0;
    }
    if (status && status != NO_SUCH_FILE && status != UNRESOLVED && status != NAME_NOT_FOUND) return status;
    if (!attr->RootDirectory && quick_path(attr->ObjectName, path))
        length = linux_readlink(AT_CWD, path, text, sizeof text);
    if (length == -LINUX_ENOENT && (status == NAME_NOT_FOUND || slow_path(attr, path, 1))) return status;
    kind = length == -LINUX_EINVAL ? NO_LINK : kind_at(AT_CWD, path);
    if (!kind && !status) tell_creation(AT_CWD, path, &out->created);
    if (!kind || linux_stat(AT_CWD, path, &found, AT_NOFOLLOW)) return status;
    fill_basic(out, &found, kind);
    return 0;
}

NTSTATUS WINAPI NtQueryAttributesFile(const OBJECT_ATTRIBUTES *attr, void *out)
{
    return corrected(attr, ZwQueryAttributesFile(attr, out), out);
}

NTSTATUS WINAPI NtQueryFullAttributesFile(const OBJECT_ATTRIBUTES *attr, void *out)
{
    struct { LONGLONG times[4], allocated, size; ULONG attributes; } *all = out; /* FILE_NETWORK_OPEN_INFORMATION */
    NTSTATUS status = ZwQueryFullAttributesFile(attr, out), now;
    struct basic basic = {0};

    if (!status) basic.created = all->times[0], basic.attributes = all->attributes;
    now = corrected(attr, status, &basic);
    if (now) return now;
    all->times[0] = basic.created;
    if (basic.written) { /* a link */
        memcpy(all->times, &basic, sizeof all->times);
        all->allocated = all->size = 0;
        all->attributes = basic.attributes;
    }
    return 0;
}

/* --- by handle ---------------------------------------------------------------------------------------------------- */

static NTSTATUS told(IO_STATUS_BLOCK *io, NTSTATUS status, ULONG_PTR information)
{
    io->Information = information;
    return io->Status = status;
}

/* The name as FileNameInformation has it, without the drive; the whole length where there is no room for all. */
static NTSTATUS fill_name(const char *path, struct name *out, ULONG room, ULONG *used)
{
    WCHAR name[LONG_PATH];
    ULONG length;

    if (!nt_name(path, name, LONG_PATH)) return INVALID;
    out->length = (ULONG)wcslen(name + 6) * sizeof *name;
    length = min(out->length, room - 4);
    memcpy(out->text, name + 6, length);
    *used = 4 + length;
    return length < out->length ? OVERFLOWN : 0;
}

static NTSTATUS query_link(HANDLE handle, const char *path, IO_STATUS_BLOCK *io, char *out, ULONG size, ULONG class)
{
    struct linux_stat found;
    enum kind kind = kind_at(AT_CWD, path);
    struct basic basic;
    struct standard standard = {.links = 1};
    NTSTATUS status;
    ULONG used;

    if (linux_stat(AT_CWD, path, &found, AT_NOFOLLOW)) return told(io, NAME_NOT_FOUND, 0);
    fill_basic(&basic, &found, kind);
    standard.folder = !!(basic.attributes & FILE_ATTRIBUTE_DIRECTORY);
    switch (class) {
    case 4: /* FileBasicInformation */
        if (size < sizeof basic) break;
        memcpy(out, &basic, sizeof basic);
        return told(io, 0, sizeof basic);
    case 5: /* FileStandardInformation */
        if (size < sizeof standard) break;
        memcpy(out, &standard, sizeof standard);
        return told(io, 0, sizeof standard);
    case 6: /* FileInternalInformation */
        if (size < 8) break;
        memcpy(out, &found.inode, 8);
        return told(io, 0, 8);
    case 9: /* FileNameInformation */
        if (size < 8) break;
        status = fill_name(path, (struct name *)out, size, &used);
        return told(io, status, used);
    case 18: /* FileAllInformation */
        if (size < 104) break;
        memset(out, 0, 96);
        memcpy(out, &basic, sizeof basic);
        memcpy(out + 40, &standard, sizeof standard);
        memcpy(out + 64, &found.inode, 8);
        status = fill_name(path, (struct name *)(out + 96), size - 96, &used);
        return told(io, status, 96 + used);
    case 34: /* FileNetworkOpenInformation */
        if (size < 56) break;
        memset(out, 0, 56);
        memcpy(out, &basic, 32);
        memcpy(out + 48, &basic.attributes, 4);
        return told(io, 0, 56);
    case 35: /* FileAttributeTagInformation */
        if (size < 8) break;
        ((ULONG *)out)[0] = basic.attributes;
        ((ULONG *)out)[1] = tag_of(kind);
        return told(io, 0, 8);
    case 59: /* FileIdInformation: the volume is that of the folder */
        status = ZwQueryInformationFile(handle, io, out, size, class);
        if (!status) memcpy(out + 8, &found.inode, 8);
        return status;
    case 68: /* FileStatInformation */
        if (size < 72) break;
        memcpy(out, &found.inode, 8);
        memcpy(out + 8, &basic, 32);
        memset(out + 40, 0, 16);
        ((ULONG *)out)[14] = basic.attributes;
        ((ULONG *)out)[15] = tag_of(kind);
        ((ULONG *)out)[16] = 1;
        ((ULONG *)out)[17] = FILE_ALL_ACCESS;
        return told(io, 0, 72);
    default:
        return ZwQueryInformationFile(handle, io, out, size, class);
    }
    return told(io, BAD_LENGTH, 0);
}

static int query_opened(HANDLE handle, IO_STATUS_BLOCK *io, void *out, ULONG size, ULONG class, NTSTATUS *status)
{
    char path[LONG_PATH];

    if (!opened_link(handle, path)) return 0;
    *status = query_link(handle, path, io, out, size, class);
    return 1;
}

NTSTATUS WINAPI NtQueryInformationFile(HANDLE handle, IO_STATUS_BLOCK *io, void *out, ULONG size,
                                       FILE_INFORMATION_CLASS class)
{
    NTSTATUS status;

    if (opened_files && query_opened(handle, io, out, size, class, &status)) return status;
    status = ZwQueryInformationFile(handle, io, out, size, class);
    if (status && status != OVERFLOWN) return status;
    if (class == 4 || class == 18 || class == 34) tell_creation_of(handle, out);
    else if (class == 68) tell_creation_of(handle, (LONGLONG *)out + 1);
    return status;
}

struct renaming { ULONG flags; HANDLE root; ULONG length; WCHAR name[1]; }; /* FILE_RENAME_INFORMATION */

static NTSTATUS destination(struct renaming *to, char *path)
{
    UNICODE_STRING text = {.Buffer = to->name, .Length = to->length, .MaximumLength = to->length};
    OBJECT_ATTRIBUTES attr = {.Length = sizeof attr, .ObjectName = &text, .RootDirectory = to->root,
                              .Attributes = OBJ_CASE_INSENSITIVE};
    NTSTATUS status = slow_path(&attr, path, 3); /* FILE_OPEN_IF */

    return status == NO_SUCH_FILE ? 0 : status;
}

/* What a link's text says depends on the folder that it is in, so elsewhere it is another. */
static NTSTATUS rename_link(HANDLE handle, const char *path, struct renaming *to, int replace)
{
    char there[LONG_PATH], text[LONG_PATH], *kept;
    struct opened *one;
    struct link link;
    NTSTATUS status = destination(to, there);
    int length;

    if (status) return status;
    if (!strcmp(path, there)) return 0;
    length = linux_readlink(AT_CWD, path, text, sizeof text - 1);
    if (length < 0) return status_of(length);
    text[length] = 0;
    if (!link_of(text, path, &link)) return UNSUCCESSFUL;
    link.kind = kind_at(AT_CWD, path);
    if (replace) linux_unlink(there, 0);
    if (!text_of(link.kind, link.target, there, text)) return NAME_INVALID;
    if ((status = status_of(linux_symlink(text, there)))) return status;
    linux_unlink(path, 0);
    lock_opened();
    if ((one = find_opened(handle)) && one->link && (kept = keep(strlen(there) + 1))) {
        give_back(one->link);
        one->link = strcpy(kept, there);
    }
    unlock_opened();
    return 0;
}

static struct linux_time unix_time(LONGLONG time)
{
    return (struct linux_time){time / 10000000 - 11644473600LL, time % 10000000 * 100};
}

static NTSTATUS set_link(HANDLE handle, const char *path, void *given, ULONG size, ULONG class)
{
    struct opened *one;
    struct basic *basic = given;
    struct linux_time times[2] = {{0, TIME_KEPT}, {0, TIME_KEPT}};
    ULONG flags = size >= 4 ? *(ULONG *)given : *(BYTE *)given;

    switch (class) {
    case 4: /* FileBasicInformation */
        if (size < 36) return BAD_LENGTH;
        if (basic->accessed > 0) times[0] = unix_time(basic->accessed);
        if (basic->written > 0) times[1] = unix_time(basic->written);
        return status_of(linux_utimes((int)AT_CWD, path, times, AT_NOFOLLOW));
    case 13: /* FileDispositionInformation */
        flags = *(BYTE *)given;
        __attribute__((fallthrough));
    case 64: /* FileDispositionInformationEx */
        lock_opened();
        if ((one = find_opened(handle))) one->leaves = flags & 1;
        unlock_opened();
        return 0;
    case 10: /* FileRenameInformation */
    case 65: /* FileRenameInformationEx */
        if (size < sizeof(struct renaming)) return BAD_LENGTH;
        return rename_link(handle, path, given, flags & 1);
    }
    return INVALID;
}

NTSTATUS WINAPI NtSetInformationFile(HANDLE handle, IO_STATUS_BLOCK *io, void *given, ULONG size,
                                     FILE_INFORMATION_CLASS class)
{
    char path[LONG_PATH];
    NTSTATUS status;

    if (is_restricted() && (class == 10 || class == 11 || class == 65 || class == 72) && size >= sizeof(struct renaming)
        && !destination(given, path) && may_put(path, FILE_ADD_FILE))
        return told(io, DENIED, 0); /* to rename it, or to give it one more name */
    if (opened_link(handle, path)) return told(io, set_link(handle, path, given, size, class), 0);
    if (class == 4 && size >= 36) {
        struct basic wanted = {0}, now;

        memcpy(&wanted, given, 36);
        if (!wanted.attributes) { /* they stay as they are; Wine would take them all away */
            if ((status = ZwQueryInformationFile(handle, io, &now, sizeof now, 4))) return status;
            wanted.attributes = now.attributes;
        }
        if (wanted.attributes & FILE_ATTRIBUTE_READONLY) { /* Wine keeps the others in what it can only write before */
            wanted.attributes &= ~FILE_ATTRIBUTE_READONLY;
            if ((status = ZwSetInformationFile(handle, io, &wanted, sizeof wanted, class))) return status;
            wanted.attributes |= FILE_ATTRIBUTE_READONLY;
        }
        status = ZwSetInformationFile(handle, io, &wanted, sizeof wanted, class);
        if (!status && wanted.created > 0) keep_creation(handle, wanted.created);
        return status;
    }
    status = ZwSetInformationFile(handle, io, given, size, class);
    if (status == NOT_SAME_DEVICE && (class == 10 || class == 65) && size >= sizeof(struct renaming)) {
        if (destination(given, path)) return status;
        status = io->Status = move_folder(handle, path, *(ULONG *)given & 1);
    }
    return status;
}

/* --- reparse points ----------------------------------------------------------------------------------------------- */

static NTSTATUS get_reparse(const char *path, struct reparse *out, ULONG size, ULONG_PTR *used)
{
    static const WCHAR native[] = L"\\??\\", server[] = L"\\??\\UNC";
    char text[LONG_PATH];
    struct link link;
    int length = linux_readlink(AT_CWD, path, text, sizeof text - 1);
    const WCHAR *before = L"", *target = link.target, *shown = link.target;
    ULONG head, first, second, third;
    WCHAR *at;

    if (length <= 0) return NOT_A_LINK;
    text[length] = 0;
    if (!link_of(text, path, &link)) return NOT_A_LINK;
    link.kind = kind_at(AT_CWD, path);
    if (!wcsncmp(target, L"\\\\?\\", 4) || !wcsncmp(target, native, 4)) target += 4, before = native;
    else if (target[0] == '\\' && target[1] == '\\') target += 1, before = server;
    else if (!link.relative) before = native;
    head = link.kind == JUNCTION ? 16 : 20;
    first = (ULONG)wcslen(before) * 2, second = (ULONG)wcslen(target) * 2, third = (ULONG)wcslen(shown) * 2;
    if (size < head) return TOO_SMALL;
    length = head + first + second + 2 + third + 2;
    if ((ULONG)length > size) return OVERFLOWN;
    memset(out, 0, length);
    out->tag = tag_of(link.kind);
    out->length = length - 8;
    out->substitute_length = first + second;
    out->print = first + second + 2;
    out->print_length = third;
    if (link.kind != JUNCTION) out->link.flags = link.relative || (target[0] == '\\' && !before[0]);
    at = (WCHAR *)((char *)out + head);
    memcpy(at, before, first);
    memcpy((char *)at + first, target, second);
    memcpy((char *)at + out->print, shown, third);
    *used = length;
    return 0;
}

static NTSTATUS set_reparse(HANDLE handle, const struct reparse *data, ULONG size)
{
    char path[LONG_PATH], text[LONG_PATH];
    struct linux_stat found;
    struct opened *one;
    WCHAR target[LONG_PATH];
    enum kind kind, before;
    const WCHAR *given;
    ULONG head, length;
    NTSTATUS status;
    int known;

    if (size < 8 || data->length + 8u > size) return DATA_INVALID;
    if (data->tag != tag_of(JUNCTION) && data->tag != tag_of(FILE_LINK)) return NOT_SUPPORTED;
    head = data->tag == tag_of(JUNCTION) ? 16 : 20;
    if (size < head || head + data->substitute + data->substitute_length > size || data->substitute_length < 2)
        return DATA_INVALID;
    given = (const WCHAR *)((const char *)data + head + data->substitute);
    length = data->substitute_length / 2;
    if (length > 4 && !wcsncmp(given, L"\\??\\", 4) && given[5] == ':') given += 4, length -= 4;
    if (length >= LONG_PATH) return DATA_INVALID;
    memcpy(target, given, length * sizeof *target);
    target[length] = 0;
    if (length > 7 && !wcsncmp(target, L"\\??\\UNC\\", 8)) {
        memmove(target + 1, target + 7, (length - 6) * sizeof *target);
        target[0] = '\\';
    }

    known = opened_link(handle, path);
    if (!known && !path_of(handle, path)) return NOT_SUPPORTED;
    if (linux_stat(AT_CWD, path, &found, AT_NOFOLLOW)) return NAME_NOT_FOUND;
    before = kind_at(AT_CWD, path);
    if (before && tag_of(before) != data->tag) return TAG_MISMATCH;
    kind = data->tag == tag_of(JUNCTION) ? JUNCTION
         : (before ? before != FILE_LINK : (found.mode & KIND_MODE) == DIRECTORY_MODE) ? DIRECTORY_LINK : FILE_LINK;
    if (kind == JUNCTION && !before && (found.mode & KIND_MODE) != DIRECTORY_MODE) return NOT_DIRECTORY;
    if (!before && kind == FILE_LINK && found.size) return DATA_INVALID;
    if (!text_of(kind, target, path, text)) return DATA_INVALID;
    if ((status = status_of(linux_unlink(path, before || kind == FILE_LINK ? 0 : AT_DIRECTORY)))) return status;
    if ((status = status_of(linux_symlink(text, path)))) return status;
    if (known) return 0;
    lock_opened();
    if ((one = add_opened(handle)) && (one->link = keep(strlen(path) + 1))) strcpy(one->link, path);
    unlock_opened();
    return one ? 0 : NO_MEMORY;
}

/* What is left is an empty folder or file. */
static NTSTATUS delete_reparse(const char *path, const struct reparse *data, ULONG size)
{
    enum kind kind = kind_at(AT_CWD, path);
    NTSTATUS status;
    int fd;

    if (!kind) return NOT_A_LINK;
    if (size < 8) return DATA_INVALID;
    if (data->tag != tag_of(kind)) return TAG_MISMATCH;
    if ((status = status_of(linux_unlink(path, 0)))) return status;
    if (kind != FILE_LINK) return status_of(linux_mkdir(path, 0777));
    fd = linux_open((int)AT_CWD, path, OPEN_NEW, 0666);
    if (fd >= 0) linux_close(fd);
    return status_of(fd);
}

NTSTATUS WINAPI NtFsControlFile(HANDLE handle, HANDLE event, PIO_APC_ROUTINE apc, void *context, IO_STATUS_BLOCK *io,
                                ULONG code, void *in, ULONG in_size, void *out, ULONG out_size)
{
    char path[LONG_PATH];
    ULONG_PTR used = 0;
    NTSTATUS status;

    if (code != GET_REPARSE && code != SET_REPARSE && code != DELETE_REPARSE)
        return ZwFsControlFile(handle, event, apc, context, io, code, in, in_size, out, out_size);
    if (code == DELETE_REPARSE && !opened_link(handle, path) && path_of(handle, path)) status = NOT_A_LINK;
    else if (code == SET_REPARSE) status = in ? set_reparse(handle, in, in_size) : DATA_INVALID;
    else if (!opened_link(handle, path)) {
        /* Wine's answer for what is no file, and for a folder on which a volume is mounted */
        return ZwFsControlFile(handle, event, apc, context, io, code, in, in_size, out, out_size);
    } else if (code == DELETE_REPARSE) status = in ? delete_reparse(path, in, in_size) : DATA_INVALID;
    else status = out ? get_reparse(path, out, out_size, &used) : TOO_SMALL;
    if (!status && event) ZwSetEvent(event, NULL);
    return told(io, status, used);
}

/* The name of an open file is where it is, whatever links led there. */
NTSTATUS WINAPI NtQueryObject(HANDLE handle, OBJECT_INFORMATION_CLASS class, void *out, ULONG size, ULONG *used)
{
    NTSTATUS status = ZwQueryObject(handle, class, out, size, used);
    UNICODE_STRING *name = out, now;
    char path[LONG_PATH];
    WCHAR real[LONG_PATH];
    ULONG length;

    if ((int)class != DEVICE_PATH || status || name->Length < 14 || wcsncmp(name->Buffer, L"\\??\\", 4)) return status;
    if (!opened_link(handle, path) && !path_of(handle, path)) return status;
    if (!nt_name(path, real, LONG_PATH)) return status;
    length = (ULONG)wcslen(real);
    RtlInitUnicodeString(&now, real);
    if (RtlEqualUnicodeString(&now, name, TRUE)) return status; /* spelt as it was opened */
    if (used) *used = sizeof *name + length * 2 + 2;
    if (sizeof *name + length * 2 + 2 > size) return OVERFLOWN;
    name->Buffer = (WCHAR *)(name + 1);
    memcpy(name->Buffer, real, length * 2 + 2);
    name->Length = length * 2;
    name->MaximumLength = length * 2 + 2;
    return 0;
}

/* --- what kernelbase has ------------------------------------------------------------------------------------------- */

BOOLEAN WINAPI CreateSymbolicLinkW(const WCHAR *link, const WCHAR *target, DWORD flags)
{
    char path[LONG_PATH], text[LONG_PATH];
    UNICODE_STRING name;
    OBJECT_ATTRIBUTES attr = {.Length = sizeof attr, .ObjectName = &name, .Attributes = OBJ_CASE_INSENSITIVE};
    NTSTATUS status = INVALID;

    if (link && *link && target && *target && wcslen(target) < LONGEST_LINK && !(flags & ~3u)) {
        if (!RtlDosPathNameToNtPathName_U(link, &name, NULL, NULL)) status = PATH_NOT_FOUND;
        else {
            status = slow_path(&attr, path, 3); /* FILE_OPEN_IF: of the link all but the last name must be there */
            if (!status) status = NAME_COLLISION;
            else if (status == NO_SUCH_FILE && !(status = may_put(path, FILE_ADD_FILE))) {
                status = text_of(flags & 1 ? DIRECTORY_LINK : FILE_LINK, target, path, text)
                       ? status_of(linux_symlink(text, path)) : NAME_INVALID;
            }
            RtlFreeUnicodeString(&name);
        }
    }
    if (status) RtlSetLastWin32ErrorAndNtStatusFromNtStatus(status);
    return !status;
}

/* The zone of every box comes first among all by its name (template.py), and is called UTC. */
DWORD WINAPI GetDynamicTimeZoneInformation(DYNAMIC_TIME_ZONE_INFORMATION *out)
{
    NTSTATUS status = RtlQueryDynamicTimeZoneInformation(out);

    if (status) {
        RtlSetLastWin32ErrorAndNtStatusFromNtStatus(status);
        return TIME_ZONE_ID_INVALID;
    }
    if (!wcsncmp(out->TimeZoneKeyName, L"(UTC)", 6)) memcpy(out->TimeZoneKeyName, L"UTC", 4 * sizeof(WCHAR));
    return TIME_ZONE_ID_UNKNOWN; /* it has no summer time */
}

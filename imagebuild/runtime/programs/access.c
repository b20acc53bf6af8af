/* SPDX-License-Identifier: Apache-2.0 */
/* Who may open a file (a part of wcowbase.dll). Everything in a box belongs to one account of Linux, so a program that
 * runs as ContainerUser or as a service's account could write what only administrators may. Here it is told no, as
 * windows/acl/access.py does it. Administrators are never asked: they may do nearly everything.
 *
 * This is manners, no wall: a program that makes calls of Linux goes past it.
 */
#include "acl.h"

#define ASKED (FILE_READ_DATA | FILE_WRITE_DATA | FILE_APPEND_DATA | FILE_EXECUTE | FILE_DELETE_CHILD | FILE_READ_EA \
               | FILE_WRITE_EA | FILE_WRITE_ATTRIBUTES | DELETE | WRITE_DAC | WRITE_OWNER)
#define ONLY_FOLDER 1 /* FILE_DIRECTORY_FILE */
#define ACCOUNTS 5
#define ENVIRONMENT 32768
#define DESKTOP 0xC0 /* DesktopInfo in RTL_USER_PROCESS_PARAMETERS */

NTSYSAPI PEB *NTAPI RtlGetCurrentPeb(void);

struct long_sid { SID sid; ULONG rest[2]; };

static const struct long_sid CONTAINER_USER = {{1, 3, {SECURITY_NT_AUTHORITY}, {93}}, {2, 2}};
static const SID LOCAL = {1, 1, {SECURITY_NT_AUTHORITY}, {19}}, NETWORK = {1, 1, {SECURITY_NT_AUTHORITY}, {20}};
static const SID EVERYONE = {1, 1, {SECURITY_WORLD_SID_AUTHORITY}, {0}}, SERVICE = {1, 1, {SECURITY_NT_AUTHORITY}, {6}};
static const SID AUTHENTICATED = {1, 1, {SECURITY_NT_AUTHORITY}, {11}};
static const struct long_sid USERS = {{1, 2, {SECURITY_NT_AUTHORITY}, {32}}, {545}};
static const struct { const char *name; const SID *sid; } RESTRICTED[] = {
    {"ContainerUser", &CONTAINER_USER.sid}, {"LOCAL SERVICE", &LOCAL}, {"NETWORK SERVICE", &NETWORK},
};

static int known; /* 1: nothing is to be asked; 2: `mine` are the account and its groups */
static const SID *mine[ACCOUNTS];
static char profile[LONG_PATH];

/* Services are SYSTEM's, whoever the container's programs run as; Wine starts them on a desktop of their own, which what
 * they start has, too. */
static int is_service(void)
{
    const UNICODE_STRING *desktop = (const UNICODE_STRING *)((char *)RtlGetCurrentPeb()->ProcessParameters + DESKTOP);

    return desktop->Length > 28 && !wcsncmp(desktop->Buffer, L"__wineservice_", 14);
}

/* The account that Wine was started with (bwrap.wine_environment). */
static void look(void)
{
    char *text = keep(ENVIRONMENT), *at, *name = NULL;
    int fd = linux_open((int)AT_CWD, "/proc/self/environ", OPEN_FILE, 0), size, now = 1;

    size = fd < 0 || !text ? 0 : linux_read(fd, text, ENVIRONMENT - 1);
    if (fd >= 0) linux_close(fd);
    for (at = text; size > 0 && at < text + size; at += strlen(at) + 1)
        if (!strncmp(at, "USER=", 5)) name = at + 5;
    if (is_service()) name = NULL;
    for (unsigned i = 0; name && i < sizeof RESTRICTED / sizeof *RESTRICTED; i++) {
        if (strcmp(name, RESTRICTED[i].name)) continue;
        mine[0] = RESTRICTED[i].sid;
        mine[1] = &EVERYONE, mine[2] = &AUTHENTICATED, mine[3] = &USERS.sid, mine[4] = &SERVICE;
        strcat(strcat(strcpy(profile, "/prefix/drive_c/users/"), name), "/");
        now = 2;
    }
    give_back(text);
    known = now;
}

static int granted(const char *path, ULONG wanted)
{
    struct held *found = keep(sizeof *found);
    struct descriptor parts;
    int may = 1;

    if (found && effective_security(path, found) && read_descriptor(found->bytes, found->size, &parts))
        may = is_granted(&parts, mine, ACCOUNTS, wanted);
    give_back(found);
    return may;
}

/* The length of a path without its last name; 0: it is a drive. */
static size_t folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash && drive_of(path) && *drive_of(path) ? (size_t)(slash - path) : 0;
}

static int granted_above(const char *path, ULONG wanted)
{
    char folder[LONG_PATH];
    size_t length = folder_of(path);

    if (!length) return 0;
    memcpy(folder, path, length);
    folder[length] = 0;
    return granted(folder, wanted);
}

/* Whether a path is of the account itself, or of a volume, whose owners this machine cannot know. */
static int is_free(const char *path)
{
    struct linux_stat drive, found;
    char folder[LONG_PATH];
    size_t length = strlen(profile);
    unsigned i = 0;

    while (i < length - 1 && path[i] && ((path[i] ^ profile[i]) & ~0x20) == 0) i++;
    if (i == length - 1 && (!path[i] || path[i] == '/')) return 1;
    if (!drive_of(path) || linux_stat(AT_CWD, "/prefix/drive_c", &drive, 0)) return 1;
    strcpy(folder, path);
    while (linux_stat(AT_CWD, folder, &found, 0)) {
        if (!(length = folder_of(folder))) return 1;
        folder[length] = 0;
    }
    return found.device != drive.device;
}

int is_restricted(void)
{
    if (!known) look();
    return known == 2;
}

NTSTATUS may_put(const char *path, ULONG wanted)
{
    return !is_restricted() || is_free(path) || granted_above(path, wanted) ? 0 : DENIED;
}

NTSTATUS may_open(const OBJECT_ATTRIBUTES *attr, ACCESS_MASK access, ULONG disposition, ULONG options)
{
    char path[LONG_PATH];
    struct linux_stat found;
    ULONG wanted;

    if (!is_restricted() || !attr || !attr->ObjectName) return 0;
    if ((attr->RootDirectory || !quick_path(attr->ObjectName, path) || linux_stat(AT_CWD, path, &found, 0))) {
        NTSTATUS status = slow_path(attr, path, 3); /* FILE_OPEN_IF */

        if (status == NO_SUCH_FILE)
            return disposition == 1 || disposition == 4 ? 0
                   : may_put(path, options & ONLY_FOLDER ? FILE_ADD_SUBDIRECTORY : FILE_ADD_FILE);
        if (status) return 0;
    }
    if (disposition == 2 || is_free(path)) return 0; /* it is there already: Wine says so */
    wanted = mapped_rights(access) & ASKED;
    if (disposition == 4 || disposition == 5) wanted |= FILE_WRITE_DATA;
    if (disposition == 0) wanted |= DELETE;
    if (wanted & DELETE && !granted(path, DELETE) && !granted_above(path, FILE_DELETE_CHILD)) return DENIED;
    wanted &= ~(ULONG)DELETE;
    return !wanted || granted(path, wanted) ? 0 : DENIED;
}

void own_created(HANDLE handle)
{
    char path[LONG_PATH];

    if (is_restricted() && path_of(handle, path) && drive_of(path) && !is_free(path)) set_owner_of_new(path, mine[0]);
}

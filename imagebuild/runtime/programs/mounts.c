/* SPDX-License-Identifier: Apache-2.0 */
/* Two of Wine's drivers, each started when a program first asks for it: the mount manager and the network store.
 *
 * GetVolumeInformation, and with it dir, asks the one, GetAdaptersAddresses and IcmpSendEcho the other. A full boot of
 * Wine runs them in processes of their own. Wine's drivers are libraries, so launcher.exe is their process. A start
 * takes as long as that of a small program and most programs never ask, so at first only their names are there: they
 * lead to devices of ours. The first request to one of them waits while its driver starts; it and all later ones are
 * handed on. The driver gets other names for its devices, so that ours are never gone, not even while it starts:
 * another program may be asking.
 */
#define WIN32_LEAN_AND_MEAN
#include <windows.h>
#include <winternl.h>

#include "kernel.h"
#include "mounts.h"

/* Of the kernel's structures what is used here, at the places that they have for x64 (wdm.h of the Windows Driver Kit;
 * Wine keeps to them, its drivers are compiled with its own copy). */
struct irp;
struct device;
typedef NTSTATUS (WINAPI *handler)(struct device *device, struct irp *irp);

struct driver {
    char before[0x70];
    handler major[28];
};

struct device {
    char before[8];
    struct driver *driver;
};

struct irp {
    char before[0x30];
    NTSTATUS status;
    char between[0xb8 - 0x34];
    struct { UCHAR major, minor, flags, control; } *place;
};

#define QUERY_VOLUME 10   /* IRP_MJ_QUERY_VOLUME_INFORMATION */
#define DEVICE_CONTROL 14 /* IRP_MJ_DEVICE_CONTROL */
#define PENDING 1         /* SL_PENDING_RETURNED */
#define NO_SUCH_DEVICE ((NTSTATUS)0xC000000E)

typedef NTSTATUS (WINAPI *starter)(struct driver *driver, UNICODE_STRING *path);
typedef NTSTATUS (WINAPI *create_driver)(UNICODE_STRING *name, starter start);
typedef NTSTATUS (WINAPI *create_device)(struct driver *driver, ULONG extension, UNICODE_STRING *name, ULONG type,
                                         ULONG flags, BOOLEAN exclusive, struct device **device);
typedef void (WINAPI *complete)(struct irp *irp, char boost);

NTSYSAPI NTSTATUS NTAPI NtCreateSymbolicLinkObject(HANDLE *link, ACCESS_MASK access, OBJECT_ATTRIBUTES *attributes,
                                                   UNICODE_STRING *target);
NTSYSAPI BOOLEAN NTAPI RtlEqualUnicodeString(const UNICODE_STRING *one, const UNICODE_STRING *other, BOOLEAN any_case);

#define WAITING 64 /* requests that may come in the few milliseconds of the driver's start; more are refused */

/* What is asked for, what leads there, what the driver makes behind it, and which driver that is. */
static WCHAR OUR_DRIVER[] = L"\\Driver\\wcow";

enum { MOUNTS, NETWORK, DRIVERS };

static struct {
    const WCHAR *file;
    WCHAR *name;
    int started, wanted;
} drivers[DRIVERS] = {
    {L"C:\\windows\\system32\\drivers\\mountmgr.sys", L"\\Driver\\MountMgr", 0, 0},
    {L"C:\\windows\\system32\\drivers\\nsiproxy.sys", L"\\Driver\\nsiproxy", 0, 0},
};

static struct place { WCHAR *name, *link, *theirs; int driver; struct device *device, *real; } places[] = {
    {L"\\Device\\MountPointManager", L"\\??\\MountPointManager", L"\\Device\\wcow-manager", MOUNTS, NULL, NULL},
    {L"\\Device\\HarddiskVolume1", L"\\??\\C:", L"\\Device\\wcow-volume", MOUNTS, NULL, NULL},
    {L"\\Device\\Nsi", L"\\??\\Nsi", L"\\Device\\wcow-nsi", NETWORK, NULL, NULL},
};
#define PLACES (sizeof places / sizeof *places)

static HMODULE kernel;
static HANDLE wanted;
static CRITICAL_SECTION lock;
static int waiting;
static struct { struct place *place; struct irp *irp; } queue[WAITING];

static UNICODE_STRING text(WCHAR *from)
{
    UNICODE_STRING out = {0, 0, from};

    while (from[out.Length / sizeof *from]) out.Length += sizeof *from;
    out.MaximumLength = out.Length + sizeof *from;
    return out;
}

static void make_link(WCHAR *name, WCHAR *target)
{
    UNICODE_STRING from = text(name), to = text(target);
    OBJECT_ATTRIBUTES attributes = {.Length = sizeof attributes, .ObjectName = &from};
    HANDLE link; /* stays open: with it the name would go */

    NtCreateSymbolicLinkObject(&link, GENERIC_ALL, &attributes, &to);
}

static NTSTATUS hand_on(struct place *place, struct irp *irp)
{
    if (place->real) return place->real->driver->major[irp->place->major](place->real, irp);
    irp->status = NO_SUCH_DEVICE;
    ((complete)(void *)GetProcAddress(kernel, "IoCompleteRequest"))(irp, 0);
    return NO_SUCH_DEVICE;
}

/* A request to one of our devices; on the thread of serve(). */
static NTSTATUS WINAPI asked(struct device *device, struct irp *irp)
{
    struct place *place = places;
    int keep;

    while (place->device != device) place++; /* it is one of them: no other has this driver */
    EnterCriticalSection(&lock);
    keep = !drivers[place->driver].started && waiting < WAITING;
    if (keep) {
        drivers[place->driver].wanted = 1;
        irp->place->control |= PENDING;
        queue[waiting].place = place;
        queue[waiting++].irp = irp;
    }
    LeaveCriticalSection(&lock);
    if (!keep) return hand_on(place, irp);
    SetEvent(wanted);
    return STATUS_PENDING;
}

static NTSTATUS WINAPI start_ours(struct driver *driver, UNICODE_STRING *path)
{
    create_device create = (void *)GetProcAddress(kernel, "IoCreateDevice");

    (void)path;
    driver->major[DEVICE_CONTROL] = driver->major[QUERY_VOLUME] = asked; /* all that the drivers answer */
    for (unsigned i = 0; i < PLACES; i++) {
        UNICODE_STRING name = text(places[i].name);
        NTSTATUS status = create(driver, 0, &name, 0, 0, FALSE, &places[i].device);

        if (status) return status;
        make_link(places[i].link, places[i].name); /* the driver would make the same */
    }
    return 0;
}

/* winedevice.exe does the same for the drivers of a full boot. */
static DWORD WINAPI serve(void *loop)
{
    return ((NTSTATUS (*)(HANDLE))loop)(CreateEventW(NULL, TRUE, FALSE, NULL));
}

HANDLE offer_mounts(void)
{
    UNICODE_STRING name = text(OUR_DRIVER);
    create_driver create;
    void *loop;
    HANDLE thread;

    if (!(kernel = load_kernel())) return NULL;
    loop = (void *)GetProcAddress(kernel, "wine_ntoskrnl_main_loop");
    create = (void *)GetProcAddress(kernel, "IoCreateDriver");
    wanted = CreateEventW(NULL, FALSE, FALSE, NULL);
    InitializeCriticalSection(&lock);
    if (!loop || !create || !wanted || !(thread = CreateThread(NULL, 0, serve, loop, 0, NULL))) return NULL;
    CloseHandle(thread);
    return create(&name, start_ours) ? NULL : wanted;
}

/* IoCreateDevice for the driver: what would have one of our names gets another. */
static NTSTATUS WINAPI create_behind(struct driver *driver, ULONG extension, UNICODE_STRING *name, ULONG type,
                                     ULONG flags, BOOLEAN exclusive, struct device **device)
{
    create_device create = (void *)GetProcAddress(kernel, "IoCreateDevice");
    NTSTATUS status;

    for (unsigned i = 0; i < PLACES; i++) {
        UNICODE_STRING ours = text(places[i].name), theirs = text(places[i].theirs);

        if (!name || !RtlEqualUnicodeString(name, &ours, TRUE)) continue;
        status = create(driver, extension, &theirs, type, flags, exclusive, device);
        if (!status) places[i].real = *device;
        return status;
    }
    return create(driver, extension, name, type, flags, exclusive, device);
}

/* Make all that a library imports as one function another. */
static void redirect(char *library, const IMAGE_NT_HEADERS *header, void *from, void *to)
{
    const IMAGE_DATA_DIRECTORY *where = &header->OptionalHeader.DataDirectory[IMAGE_DIRECTORY_ENTRY_IMPORT];
    const IMAGE_IMPORT_DESCRIPTOR *one = (void *)(library + where->VirtualAddress);
    DWORD before;

    for (; where->Size && one->FirstThunk; one++)
        for (void **at = (void *)(library + one->FirstThunk); *at; at++)
            if (*at == from && VirtualProtect(at, sizeof *at, PAGE_READWRITE, &before)) {
                *at = to;
                VirtualProtect(at, sizeof *at, before, &before);
            }
}

static void start(int which)
{
    create_driver create = (void *)GetProcAddress(kernel, "IoCreateDriver");
    char *library = (char *)LoadLibraryW(drivers[which].file);
    UNICODE_STRING name = text(drivers[which].name);
    IMAGE_NT_HEADERS *header;
    struct irp *now[WAITING];
    struct place *asked_of[WAITING];
    int count = 0, left = 0;

    if (library) {
        header = (void *)(library + ((IMAGE_DOS_HEADER *)library)->e_lfanew);
        redirect(library, header, (void *)GetProcAddress(kernel, "IoCreateDevice"), (void *)create_behind);
        create(&name, (starter)(void *)(library + header->OptionalHeader.AddressOfEntryPoint));
    }
    EnterCriticalSection(&lock);
    drivers[which].started = 1;
    for (int i = 0; i < waiting; i++)
        if (queue[i].place->driver == which) asked_of[count] = queue[i].place, now[count++] = queue[i].irp;
        else queue[left++] = queue[i];
    waiting = left;
    LeaveCriticalSection(&lock);
    for (int i = 0; i < count; i++) hand_on(asked_of[i], now[i]);
}

void start_mounts(void)
{
    if (!drivers[MOUNTS].started) start(MOUNTS);
}

void start_wanted(void)
{
    for (int i = 0; i < DRIVERS; i++)
        if (drivers[i].wanted && !drivers[i].started) start(i);
}

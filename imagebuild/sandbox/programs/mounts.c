/* SPDX-License-Identifier: Apache-2.0 */
/* Wine's mount manager, started when somebody asks for it.
 *
 * GetVolumeInformation, and with it dir, asks a driver that a full boot of Wine runs in processes of its own. Wine's
 * drivers are libraries, so launcher.exe is its process. Its start takes as long as that of a small program and most
 * programs never ask, so at first only its names are there: they lead to two devices of ours. The first request to one
 * of them waits while the driver starts, and is then handed on; later ones find the driver itself.
 */
#define WIN32_LEAN_AND_MEAN
#include <windows.h>
#include <winternl.h>

#include "mounts.h"

/* Of the kernel's structures what is used here, at the places that they have for x64 (wdm.h of the Windows Driver Kit;
 * Wine keeps to them, its drivers are compiled with its own copy). */
struct irp;
struct device;
typedef NTSTATUS (WINAPI *handler)(struct device *device, struct irp *irp);

struct driver {
    char before[8];
    struct device *last; /* of its devices the one made last */
    char between[0x70 - 0x10];
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
typedef NTSTATUS (WINAPI *find_object)(UNICODE_STRING *name, ULONG attributes, void *state, ACCESS_MASK access, void *type,
                                       char mode, void *context, void **object);
typedef void (WINAPI *complete)(struct irp *irp, char boost);

NTSYSAPI NTSTATUS NTAPI NtCreateSymbolicLinkObject(HANDLE *link, ACCESS_MASK access, OBJECT_ATTRIBUTES *attributes,
                                                   UNICODE_STRING *target);

#define WAITING 64 /* requests that may come in the few milliseconds of the driver's start; more are refused */

/* What is asked for, what stands there until it has started, and what C: leads to. */
static WCHAR MANAGER[] = L"\\Device\\MountPointManager", VOLUME[] = L"\\Device\\HarddiskVolume1";
static WCHAR MANAGER_LINK[] = L"\\??\\MountPointManager", VOLUME_LINK[] = L"\\??\\C:";
static WCHAR DRIVER[] = L"\\Driver\\MountMgr", DISKS[] = L"\\Driver\\Harddisk", OUR_DRIVER[] = L"\\Driver\\wcow";

static struct place { WCHAR *name, *ours, *driver; HANDLE link; struct device *device, *real; } places[] = {
    {MANAGER, L"\\Device\\wcow-manager", DRIVER, NULL, NULL, NULL},
    {VOLUME, L"\\Device\\wcow-volume", DISKS, NULL, NULL, NULL},
};
#define PLACES (sizeof places / sizeof *places)

static HMODULE kernel;
static HANDLE wanted;
static CRITICAL_SECTION lock;
static int started, waiting;
static struct { struct place *place; struct irp *irp; } queue[WAITING];

static UNICODE_STRING text(WCHAR *from)
{
    UNICODE_STRING out = {0, 0, from};

    while (from[out.Length / sizeof *from]) out.Length += sizeof *from;
    out.MaximumLength = out.Length + sizeof *from;
    return out;
}

static HANDLE make_link(WCHAR *name, WCHAR *target)
{
    UNICODE_STRING from = text(name), to = text(target);
    OBJECT_ATTRIBUTES attributes = {.Length = sizeof attributes, .ObjectName = &from};
    HANDLE link = NULL;

    return NtCreateSymbolicLinkObject(&link, GENERIC_ALL, &attributes, &to) ? NULL : link;
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
    struct place *place = &places[device == places[1].device];
    int keep;

    EnterCriticalSection(&lock);
    keep = !started && waiting < WAITING;
    if (keep) {
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
        UNICODE_STRING name = text(places[i].ours);
        NTSTATUS status = create(driver, 0, &name, 0, 0, FALSE, &places[i].device);

        if (status) return status;
        places[i].link = make_link(places[i].name, places[i].ours);
    }
    make_link(MANAGER_LINK, MANAGER); /* these two stay: the driver would make the same */
    make_link(VOLUME_LINK, VOLUME);
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

    if (!(kernel = LoadLibraryW(L"ntoskrnl.exe"))) return NULL;
    loop = (void *)GetProcAddress(kernel, "wine_ntoskrnl_main_loop");
    create = (void *)GetProcAddress(kernel, "IoCreateDriver");
    wanted = CreateEventW(NULL, FALSE, FALSE, NULL);
    InitializeCriticalSection(&lock);
    if (!loop || !create || !wanted || !(thread = CreateThread(NULL, 0, serve, loop, 0, NULL))) return NULL;
    CloseHandle(thread);
    return create(&name, start_ours) ? NULL : wanted;
}

void start_mounts(void)
{
    create_driver create = (void *)GetProcAddress(kernel, "IoCreateDriver");
    find_object find = (void *)GetProcAddress(kernel, "ObReferenceObjectByName");
    void **type = (void *)GetProcAddress(kernel, "IoDriverObjectType");
    char *library = (char *)LoadLibraryW(L"C:\\windows\\system32\\drivers\\mountmgr.sys");
    UNICODE_STRING name = text(DRIVER);
    IMAGE_NT_HEADERS *header;
    struct driver *driver = NULL;
    int count;

    if (started) return;
    for (unsigned i = 0; i < PLACES; i++)
        if (places[i].link) CloseHandle(places[i].link); /* the name is free for the driver */
    if (library) {
        header = (void *)(library + ((IMAGE_DOS_HEADER *)library)->e_lfanew);
        create(&name, (starter)(void *)(library + header->OptionalHeader.AddressOfEntryPoint));
    }
    for (unsigned i = 0; i < PLACES && find && type; i++) {
        UNICODE_STRING owner = text(places[i].driver);

        if (!find(&owner, 0, NULL, 0, *type, 0, NULL, (void **)&driver) && driver) places[i].real = driver->last;
    }
    EnterCriticalSection(&lock);
    started = 1;
    count = waiting;
    LeaveCriticalSection(&lock);
    for (int i = 0; i < count; i++) hand_on(queue[i].place, queue[i].irp);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Wine's mount manager, started when somebody asks for it.
 *
 * GetVolumeInformation, and with it dir, asks a driver that a full boot of Wine runs in processes of its own. Wine's
 * drivers are libraries, so launcher.exe is its process. Its start takes as long as that of a small program and most
 * programs never ask, so at first only its names are there: they lead to two devices of ours. The first request to one
 * of them waits while the driver starts; it and all later ones are handed on. The driver gets other names for its
 * devices, so that ours are never gone, not even while it starts: another program may be asking.
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

/* What is asked for, what stands there, and what the driver makes behind it. */
static WCHAR MANAGER[] = L"\\Device\\MountPointManager", VOLUME[] = L"\\Device\\HarddiskVolume1";
static WCHAR MANAGER_LINK[] = L"\\??\\MountPointManager", VOLUME_LINK[] = L"\\??\\C:";
static WCHAR DRIVER[] = L"\\Driver\\MountMgr", OUR_DRIVER[] = L"\\Driver\\wcow";

static struct place { WCHAR *name, *theirs; struct device *device, *real; } places[] = {
    {MANAGER, L"\\Device\\wcow-manager", NULL, NULL},
    {VOLUME, L"\\Device\\wcow-volume", NULL, NULL},
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
        UNICODE_STRING name = text(places[i].name);
        NTSTATUS status = create(driver, 0, &name, 0, 0, FALSE, &places[i].device);

        if (status) return status;
    }
    make_link(MANAGER_LINK, MANAGER); /* the driver would make the same */
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

void start_mounts(void)
{
    create_driver create = (void *)GetProcAddress(kernel, "IoCreateDriver");
    char *library = (char *)LoadLibraryW(L"C:\\windows\\system32\\drivers\\mountmgr.sys");
    UNICODE_STRING name = text(DRIVER);
    IMAGE_NT_HEADERS *header;
    int count;

    if (started) return;
    if (library) {
        header = (void *)(library + ((IMAGE_DOS_HEADER *)library)->e_lfanew);
        redirect(library, header, (void *)GetProcAddress(kernel, "IoCreateDevice"), (void *)create_behind);
        create(&name, (starter)(void *)(library + header->OptionalHeader.AddressOfEntryPoint));
    }
    EnterCriticalSection(&lock);
    started = 1;
    count = waiting;
    LeaveCriticalSection(&lock);
    for (int i = 0; i < count; i++) hand_on(queue[i].place, queue[i].irp);
}

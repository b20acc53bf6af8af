/* SPDX-License-Identifier: Apache-2.0 */
/* Wine's ntoskrnl.exe without the libraries that it needs.
 *
 * To offer two names it calls thirty of the six hundred functions that it imports, and none of advapi32 and the C
 * library, which would be found, mapped and bound for it, with what they need themselves: longer than all else that the
 * launcher does. So it is loaded with its imports unresolved, and each is looked for when it is called.
 */
#define WIN32_LEAN_AND_MEAN
#include <windows.h>

#include "kernel.h"

/* What an import leads to before it was called: "mov r11, its place; mov r10, find_then_call; jmp r10". */
struct stub { UCHAR code[23], rest; };

static char *library;

/* What stands for a function that is nowhere: STATUS_NOT_IMPLEMENTED. */
static LONG WINAPI missing(void)
{
    return (LONG)0xC0000002;
}

/* Wine's loop for drivers makes ready to tell the service for plug and play of devices that come and go, by RPC, for
 * which five libraries are loaded. Boxes with this kernel have no such service: RPC_S_SERVER_UNAVAILABLE. */
static LONG WINAPI nobody_listens(void)
{
    return 1722;
}

static void *WINAPI find_delayed(char *base, const IMAGE_DELAYLOAD_DESCRIPTOR *from, void *failed, void *system_failed,
                                 IMAGE_THUNK_DATA *place, ULONG flags)
{
    void *(WINAPI *work)(char *, const IMAGE_DELAYLOAD_DESCRIPTOR *, void *, void *, IMAGE_THUNK_DATA *, ULONG) =
        (void *)GetProcAddress(GetModuleHandleA("kernel32.dll"), "ResolveDelayLoadedAPI");

    if (!lstrcmpiA(base + from->DllNameRVA, "rpcrt4.dll")) return (void *)nobody_listens;
    return work(base, from, failed, system_failed, place, flags);
}

/* The imports of one library: names, and in the same order where their addresses are. */
static const IMAGE_IMPORT_DESCRIPTOR *imports(void)
{
    const IMAGE_NT_HEADERS *header = (void *)(library + ((IMAGE_DOS_HEADER *)library)->e_lfanew);

    return (void *)(library + header->OptionalHeader.DataDirectory[IMAGE_DIRECTORY_ENTRY_IMPORT].VirtualAddress);
}

static void *find(const char *from, const char *name)
{
    HMODULE module = GetModuleHandleA(from);
    void *found;

    if ((ULONG_PTR)name >> 16 && !lstrcmpA(name, "ResolveDelayLoadedAPI")) return (void *)find_delayed;
    /* ntdll has a good part of the C library, under the same names. */
    found = (void *)GetProcAddress(module ? module : GetModuleHandleA("ntdll.dll"), name);
    if (!found && !module && (module = LoadLibraryA(from))) found = (void *)GetProcAddress(module, name);
    return found ? found : (void *)missing;
}

__attribute__((used)) static void *find_import(void **place)
{
    for (const IMAGE_IMPORT_DESCRIPTOR *one = imports(); one->Name; one++) {
        const ULONGLONG *name = (void *)(library + one->OriginalFirstThunk);

        for (void **at = (void *)(library + one->FirstThunk); *name; name++, at++)
            if (at == place)
                return *place = find(library + one->Name, IMAGE_SNAP_BY_ORDINAL64(*name)
                                     ? (char *)(ULONG_PTR)IMAGE_ORDINAL64(*name) : library + *name + 2);
    }
    return (void *)missing;
}

/* The function is called with the registers and the stack that the stub was called with. */
__asm__(".text\nfind_then_call:\n"
        "pushq %rcx\n pushq %rdx\n pushq %r8\n pushq %r9\n subq $104, %rsp\n"
        "movaps %xmm0, 32(%rsp)\n movaps %xmm1, 48(%rsp)\n movaps %xmm2, 64(%rsp)\n movaps %xmm3, 80(%rsp)\n"
        "movq %r11, %rcx\n call find_import\n"
        "movaps 32(%rsp), %xmm0\n movaps 48(%rsp), %xmm1\n movaps 64(%rsp), %xmm2\n movaps 80(%rsp), %xmm3\n"
        "addq $104, %rsp\n popq %r9\n popq %r8\n popq %rdx\n popq %rcx\n jmp *%rax\n");
extern char find_then_call[];

static int place_stubs(void)
{
    const ULONG_PTR target = (ULONG_PTR)find_then_call;
    struct stub *stub;
    unsigned count = 0;
    DWORD before;

    for (const IMAGE_IMPORT_DESCRIPTOR *one = imports(); one->Name; one++)
        for (ULONGLONG *name = (void *)(library + one->OriginalFirstThunk); *name; name++) count++;
    stub = VirtualAlloc(NULL, count * sizeof *stub, MEM_COMMIT | MEM_RESERVE, PAGE_EXECUTE_READWRITE);
    if (!stub) return 0;
    for (const IMAGE_IMPORT_DESCRIPTOR *one = imports(); one->Name; one++) {
        void **place = (void *)(library + one->FirstThunk);

        for (count = 0; ((ULONGLONG *)(library + one->OriginalFirstThunk))[count];) count++;
        if (count && !VirtualProtect(place, count * sizeof *place, PAGE_READWRITE, &before)) return 0;
        for (; count--; place++, stub++) {
            CopyMemory(stub->code, "\x49\xbb________\x49\xba________\x41\xff\xe2", sizeof stub->code);
            CopyMemory(stub->code + 2, &place, sizeof place);
            CopyMemory(stub->code + 12, &target, sizeof target);
            *place = stub;
        }
    }
    return 1;
}

HMODULE load_kernel(void)
{
    const IMAGE_NT_HEADERS *header;
    BOOL (WINAPI *begin)(HMODULE, DWORD, void *);

    if (!(library = (char *)LoadLibraryExW(L"ntoskrnl.exe", NULL, DONT_RESOLVE_DLL_REFERENCES))) return NULL;
    header = (void *)(library + ((IMAGE_DOS_HEADER *)library)->e_lfanew);
    begin = (void *)(library + header->OptionalHeader.AddressOfEntryPoint);
    return place_stubs() && begin((HMODULE)library, DLL_PROCESS_ATTACH, NULL) ? (HMODULE)library : NULL;
}

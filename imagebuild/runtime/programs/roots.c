/* SPDX-License-Identifier: Apache-2.0 */
/* The roots that programs of a box trust: those of the host's file, and what was installed in the box.
 *
 * Wine's crypt32 fills its store of roots from the machine's anew for each process that asks (a fifth of a second), and
 * takes out what the machine has not: a certificate that a program installed is gone with the next. It does so under a
 * semaphore (CRYPT_ImportSystemRootCertsToReg in dlls/crypt32/rootstore.c): who finds it there waits for it once and
 * takes what the registry has. So we hold it, put the certificates there by volatile keys, which no hive keeps and no
 * commit sees, and let go. That is done when a program asks (certificates.c tells), or when the box has been idle for a
 * while: few ask, and each would pay for it twice, for what the keys make of the registry is that it is written anew at
 * the end.
 *
 * /etc/roots: for each certificate its SHA-1 in 40 hexadecimal digits, the size of what follows in eight, and the value
 * that Windows keeps ("Blob").
 */
#define WIN32_LEAN_AND_MEAN
#include <windows.h>
#include <winternl.h>

#include "roots.h"

NTSYSAPI NTSTATUS NTAPI NtCreateKey(HANDLE *key, ACCESS_MASK access, const OBJECT_ATTRIBUTES *attributes, ULONG index,
                                    const UNICODE_STRING *class, ULONG options, ULONG *made);
NTSYSAPI NTSTATUS NTAPI NtOpenKey(HANDLE *key, ACCESS_MASK access, OBJECT_ATTRIBUTES *attributes);
NTSYSAPI NTSTATUS NTAPI NtSetValueKey(HANDLE key, const UNICODE_STRING *name, ULONG index, ULONG type, const void *data,
                                      ULONG size);

#define HEAD 48
#define MOST 0x800000

static HANDLE semaphore;

static HANDLE open_file(void)
{
    return CreateFileW(L"\\\\?\\unix\\etc\\roots", GENERIC_READ, FILE_SHARE_READ, NULL, OPEN_EXISTING, 0, NULL);
}

/* Whether programs have our NtCreateSemaphore: under its name with Zw it stays Wine's. */
static int is_told(void)
{
    HMODULE ntdll = GetModuleHandleW(L"ntdll.dll");

    return GetProcAddress(ntdll, "NtCreateSemaphore") != GetProcAddress(ntdll, "ZwCreateSemaphore");
}

HANDLE hold_roots(void)
{
    HANDLE wanted = is_told() ? CreateEventW(NULL, FALSE, FALSE, ROOTS_WANTED) : NULL;

    semaphore = CreateSemaphoreW(NULL, 0, 1, ROOTS_SEMAPHORE);
    if (!wanted) fill_roots();
    return wanted;
}

static void add(HANDLE store, const char *at, ULONG size)
{
    WCHAR digits[40], blob[] = L"Blob";
    UNICODE_STRING name = {sizeof digits, sizeof digits, digits}, value = {8, sizeof blob, blob};
    OBJECT_ATTRIBUTES attributes = {.Length = sizeof attributes, .RootDirectory = store, .ObjectName = &name};
    HANDLE key;
    ULONG made;

    for (int i = 0; i < 40; i++) digits[i] = at[i];
    if (NtCreateKey(&key, KEY_SET_VALUE, &attributes, 0, NULL, REG_OPTION_VOLATILE, &made)) return;
    if (made == REG_CREATED_NEW_KEY) NtSetValueKey(key, &value, 0, REG_BINARY, at + HEAD, size);
    CloseHandle(key);
}

void fill_roots(void)
{
    static int filled;
    WCHAR path[] = L"\\Registry\\Machine\\Software\\Microsoft\\SystemCertificates\\Root\\Certificates";
    UNICODE_STRING name = {sizeof path - sizeof *path, sizeof path, path};
    OBJECT_ATTRIBUTES attributes = {.Length = sizeof attributes, .ObjectName = &name,
                                    .Attributes = OBJ_CASE_INSENSITIVE};
    HANDLE file, store = NULL;
    DWORD size, got = 0, part;
    char *bytes;

    if (filled++) return;
    file = open_file();
    size = file == INVALID_HANDLE_VALUE ? 0 : GetFileSize(file, NULL);
    bytes = size && size <= MOST ? HeapAlloc(GetProcessHeap(), 0, size) : NULL;
    if (bytes && !NtOpenKey(&store, KEY_CREATE_SUB_KEY, &attributes)) {
        while (got < size && ReadFile(file, bytes + got, size - got, &part, NULL) && part) got += part;
        for (ULONG at = 0, length; at + HEAD <= got; at += HEAD + length) {
            length = 0;
            for (int i = 40; i < HEAD; i++) {
                char digit = bytes[at + i];

                length = length << 4 | (digit <= '9' ? digit - '0' : digit - 'A' + 10);
            }
            if (length > got - at - HEAD) break;
            add(store, bytes + at, length);
        }
    }
    if (store) CloseHandle(store);
    if (bytes) HeapFree(GetProcessHeap(), 0, bytes);
    if (file != INVALID_HANDLE_VALUE) CloseHandle(file);
    ReleaseSemaphore(semaphore, 1, NULL); /* and keep it: who asks from now on finds it, and waits for nothing */
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What cmd.exe needs of advapi32, shell32 and user32, without those: wcowcmd.dll.
 *
 * Most commands in a container go through cmd, and two thirds of what Wine's does between its start and its first line
 * is for shell32 and user32: ten libraries to map, fonts, the keyboard, a desktop, 400 questions to wineserver. It
 * needs them for file associations, "rmdir /s" and what is no program of Windows. So what kernelbase has is taken from
 * there (cmdlib.def), what a program's start needs is here, and the rest is looked for when it is called.
 */
#define WIN32_LEAN_AND_MEAN
#include <windows.h>
#include <stdarg.h>
#define _SHELL32_ /* its functions are ours */
#include <shellapi.h>

#include "cmdconsole.h"

/* "Not found" is what each of these functions says with 0. */
static INT_PTR WINAPI nothing(void)
{
    SetLastError(ERROR_PROC_NOT_FOUND);
    return 0;
}

__attribute__((used)) static void *find(const char *library, const char *name, void **kept)
{
    HMODULE module = LoadLibraryA(library);
    void *found = module ? (void *)GetProcAddress(module, name) : NULL;

    return *kept = found ? found : (void *)nothing;
}

/* A function that is another's, whatever its parameters: it jumps there, with the registers and the stack it was called
 * with. */
#define LATER(label, name, library)                                                                                    \
    __asm__(".text\n" label ":\n"                                                                                      \
            "movq 9f(%rip), %rax\n testq %rax, %rax\n jnz 1f\n"                                                        \
            "pushq %rcx\n pushq %rdx\n pushq %r8\n pushq %r9\n subq $40, %rsp\n"                                       \
            "leaq 7f(%rip), %rcx\n leaq 8f(%rip), %rdx\n leaq 9f(%rip), %r8\n call find\n"                             \
            "addq $40, %rsp\n popq %r9\n popq %r8\n popq %rdx\n popq %rcx\n"                                           \
            "1: jmp *%rax\n"                                                                                           \
            ".section .rdata,\"dr\"\n7: .asciz \"" library "\"\n8: .asciz \"" name "\"\n"                            \
            ".data\n.balign 8\n9: .quad 0\n.text\n"                                                                    \
            ".globl " label "\n")

LATER("LookupAccountSidW", "LookupAccountSidW", "advapi32.dll");
LATER("RegDeleteKeyW", "RegDeleteKeyW", "advapi32.dll");
LATER("file_operation", "SHFileOperationW", "shell32.dll");
LATER("ShellExecuteExW", "ShellExecuteExW", "shell32.dll");
LATER("find_executable", "FindExecutableW", "shell32.dll");
LATER("get_file_info", "SHGetFileInfoW", "shell32.dll");

int WINAPI file_operation(SHFILEOPSTRUCTW *wanted);
int WINAPI remove_folder(const SHFILEOPSTRUCTW *wanted);
HINSTANCE WINAPI find_executable(const WCHAR *file, const WCHAR *directory, WCHAR *result);
DWORD_PTR WINAPI get_file_info(const WCHAR *path, DWORD attributes, SHFILEINFOW *info, UINT size, UINT flags);

/* For "rmdir /s"; shell32's follows links. */
int WINAPI SHFileOperationW(SHFILEOPSTRUCTW *wanted)
{
    for (const WCHAR *at = wanted->pFrom; *at; at++) if (*at == '*' || *at == '?') return file_operation(wanted);
    return wanted->wFunc == FO_DELETE ? remove_folder(wanted) : file_operation(wanted);
}

/* Which program opens a file: of a program in a known place, itself. */
HINSTANCE WINAPI FindExecutableW(const WCHAR *file, const WCHAR *directory, WCHAR *result)
{
    int length = file ? lstrlenW(file) : 0;

    if (length < 8 || length >= MAX_PATH || directory || file[1] != ':' || lstrcmpiW(file + length - 4, L".exe")
        || GetFileAttributesW(file) & FILE_ATTRIBUTE_DIRECTORY) /* also for one that is not there */
        return find_executable(file, directory, result);
    lstrcpyW(result, file);
    return (HINSTANCE)33;
}

/* What kind of program a file is, as the documentation of SHGetFileInfo says it for SHGFI_EXETYPE: 0 none, "MZ" DOS,
 * "PE" and in the high word the version for Windows, 0 for the console. Other kinds are shell32's. */
DWORD_PTR WINAPI SHGetFileInfoW(const WCHAR *path, DWORD attributes, SHFILEINFOW *info, UINT size, UINT flags)
{
    IMAGE_DOS_HEADER dos;
    IMAGE_NT_HEADERS64 header; /* up to the subsystem it is the same with 32 bits */
    HANDLE file;
    DWORD got, kind = 0;

    if (flags != SHGFI_EXETYPE) return get_file_info(path, attributes, info, size, flags);
    file = CreateFileW(path, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_DELETE, NULL, OPEN_EXISTING, 0, NULL);
    if (file == INVALID_HANDLE_VALUE) return 0;
    if (ReadFile(file, &dos, sizeof dos, &got, NULL) && got == sizeof dos && dos.e_magic == IMAGE_DOS_SIGNATURE) {
        kind = IMAGE_DOS_SIGNATURE;
        if (SetFilePointer(file, dos.e_lfanew, NULL, FILE_BEGIN) != INVALID_SET_FILE_POINTER
            && ReadFile(file, &header, sizeof header, &got, NULL) && got == sizeof header
            && header.Signature == IMAGE_NT_SIGNATURE) {
            kind = IMAGE_NT_SIGNATURE;
            if (header.OptionalHeader.Subsystem == IMAGE_SUBSYSTEM_WINDOWS_GUI)
                kind |= (DWORD)header.OptionalHeader.MajorSubsystemVersion << 24
                        | (DWORD)header.OptionalHeader.MinorSubsystemVersion << 16;
        }
    }
    CloseHandle(file);
    return kind;
}

/* As much as user32 writes; the formats that both know mean the same in ntdll. */
int WINAPIV print(WCHAR *buffer, const WCHAR *format, ...)
{
    int (__cdecl *work)(WCHAR *, size_t, const WCHAR *, va_list) =
        (void *)GetProcAddress(GetModuleHandleW(L"ntdll.dll"), "_vsnwprintf");
    va_list values;
    int length;

    va_start(values, format);
    length = work(buffer, 1024, format, values);
    va_end(values);
    if (length >= 0 && length < 1024) return length;
    buffer[1023] = 0;
    return 1023;
}

BOOL WINAPI entry(HINSTANCE instance, DWORD reason, void *reserved)
{
    (void)reserved;
    if (reason == DLL_PROCESS_ATTACH) {
        DisableThreadLibraryCalls(instance);
        answer_for_console();
    }
    return TRUE;
}

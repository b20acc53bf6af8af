/* SPDX-License-Identifier: Apache-2.0 */
/* Message boxes of a program whose desktop no one sees: wcowuser.dll, to which the copy of user32.dll that boxes run has
 * forwarders (runtime/wine/kernelbase.py).
 *
 * A box would wait for ever for a button. So its text is written to the program's error output, and the answer is the
 * default button; where that is "Retry", which would lead back here for ever, "Cancel".
 */
#define WIN32_LEAN_AND_MEAN
#define _USER32_ /* its functions are ours */
#include <windows.h>

#define HEAP GetProcessHeap()
#define BUTTONS 3
#define LARGEST (1 << 20) /* bytes that are written of a text */

/* By type of box: what its buttons answer, the first is on the left ("MessageBox function", Microsoft). */
static const BYTE ANSWERS[][BUTTONS] = {
    {IDOK}, {IDOK, IDCANCEL}, {IDABORT, IDRETRY, IDIGNORE}, {IDYES, IDNO, IDCANCEL}, {IDYES, IDNO},
    {IDRETRY, IDCANCEL}, {IDCANCEL, IDTRYAGAIN, IDCONTINUE},
};

static void write_bytes(const char *bytes, int size)
{
    HANDLE output = GetStdHandle(STD_ERROR_HANDLE);
    DWORD wrote;

    for (; size > 0 && WriteFile(output, bytes, size, &wrote, NULL) && wrote; size -= wrote) bytes += wrote;
}

/* In the code page that consoles of boxes begin with. */
static void write_text(const WCHAR *text)
{
    int size = text ? WideCharToMultiByte(CP_OEMCP, 0, text, -1, NULL, 0, NULL, NULL) : 0;
    char *bytes = size > 1 && size <= LARGEST ? HeapAlloc(HEAP, 0, size) : NULL;

    if (!bytes) return;
    WideCharToMultiByte(CP_OEMCP, 0, text, -1, bytes, size, NULL, NULL);
    write_bytes(bytes, size - 1);
    HeapFree(HEAP, 0, bytes);
}

static int answer(UINT type)
{
    UINT kind = type & MB_TYPEMASK, button = (type & MB_DEFMASK) >> 8;
    const BYTE *row = ANSWERS[kind < sizeof ANSWERS / sizeof *ANSWERS ? kind : 0];
    int chosen = row[button < BUTTONS && row[button] ? button : 0];

    return chosen == IDRETRY || chosen == IDTRYAGAIN ? (kind == MB_ABORTRETRYIGNORE ? IDABORT : IDCANCEL) : chosen;
}

int WINAPI MessageBoxTimeoutW(HWND owner, const WCHAR *text, const WCHAR *title, UINT type, WORD language, DWORD time)
{
    int length = text ? lstrlenW(text) : 0;

    (void)owner;
    (void)language;
    (void)time;
    if (title && *title) {
        write_text(title);
        write_bytes(": ", 2);
    }
    write_text(text);
    if (!length || text[length - 1] != '\n') write_bytes("\r\n", 2);
    return answer(type);
}

static WCHAR *widened(const char *text)
{
    int length = text ? MultiByteToWideChar(CP_ACP, 0, text, -1, NULL, 0) : 0;
    WCHAR *wide = length ? HeapAlloc(HEAP, 0, length * sizeof *wide) : NULL;

    if (wide) MultiByteToWideChar(CP_ACP, 0, text, -1, wide, length);
    return wide;
}

int WINAPI MessageBoxTimeoutA(HWND owner, const char *text, const char *title, UINT type, WORD language, DWORD time)
{
    WCHAR *wide = widened(text), *heading = widened(title);
    int answered = MessageBoxTimeoutW(owner, wide, heading, type, language, time);

    if (wide) HeapFree(HEAP, 0, wide);
    if (heading) HeapFree(HEAP, 0, heading);
    return answered;
}

int WINAPI MessageBoxExW(HWND owner, const WCHAR *text, const WCHAR *title, UINT type, WORD language)
{
    return MessageBoxTimeoutW(owner, text, title, type, language, 0);
}

int WINAPI MessageBoxExA(HWND owner, const char *text, const char *title, UINT type, WORD language)
{
    return MessageBoxTimeoutA(owner, text, title, type, language, 0);
}

int WINAPI MessageBoxW(HWND owner, const WCHAR *text, const WCHAR *title, UINT type)
{
    return MessageBoxTimeoutW(owner, text, title, type, 0, 0);
}

int WINAPI MessageBoxA(HWND owner, const char *text, const char *title, UINT type)
{
    return MessageBoxTimeoutA(owner, text, title, type, 0, 0);
}

/* A text, or what the number in its place stands for in the program's resources. */
static const WCHAR *loaded(HINSTANCE from, const WCHAR *text, WCHAR buffer[1024])
{
    int (WINAPI *load)(HINSTANCE, UINT, WCHAR *, int) =
        (void *)GetProcAddress(GetModuleHandleA("kernelbase.dll"), "LoadStringW");

    if (!IS_INTRESOURCE(text)) return text;
    return load && load(from, (UINT)(ULONG_PTR)text, buffer, 1024) ? buffer : L"";
}

int WINAPI MessageBoxIndirectW(const MSGBOXPARAMSW *asked)
{
    WCHAR text[1024], title[1024];

    return MessageBoxTimeoutW(NULL, loaded(asked->hInstance, asked->lpszText, text),
                              loaded(asked->hInstance, asked->lpszCaption, title), asked->dwStyle, 0, 0);
}

int WINAPI MessageBoxIndirectA(const MSGBOXPARAMSA *asked)
{
    MSGBOXPARAMSW wide = {.cbSize = sizeof wide, .hInstance = asked->hInstance, .dwStyle = asked->dwStyle};
    WCHAR *text = IS_INTRESOURCE(asked->lpszText) ? NULL : widened(asked->lpszText);
    WCHAR *title = IS_INTRESOURCE(asked->lpszCaption) ? NULL : widened(asked->lpszCaption);
    int answered;

    wide.lpszText = text ? text : (const WCHAR *)asked->lpszText;
    wide.lpszCaption = title ? title : (const WCHAR *)asked->lpszCaption;
    answered = MessageBoxIndirectW(&wide);
    if (text) HeapFree(HEAP, 0, text);
    if (title) HeapFree(HEAP, 0, title);
    return answered;
}

BOOL WINAPI entry(HINSTANCE instance, DWORD reason, void *reserved)
{
    (void)reserved;
    if (reason == DLL_PROCESS_ATTACH) DisableThreadLibraryCalls(instance);
    return TRUE;
}

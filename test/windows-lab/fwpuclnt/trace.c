#include "lab.h"
#include <stdarg.h>

static CRITICAL_SECTION lock;
static INIT_ONCE once = INIT_ONCE_STATIC_INIT;

static BOOL CALLBACK initialize(INIT_ONCE *self, void *parameter, void **context)
{
    (void)self, (void)parameter, (void)context;
    InitializeCriticalSection(&lock);
    return TRUE;
}

static void write_line(const char *prefix, const char *format, va_list arguments, const char *suffix)
{
    static char line[256 * 1024];
    wchar_t path[MAX_PATH];
    DWORD done;
    if (!GetEnvironmentVariableW(L"SALLYPORT_LAB_TRACE", path, MAX_PATH)) return;
    InitOnceExecuteOnce(&once, initialize, NULL, NULL);
    EnterCriticalSection(&lock);
    int length = snprintf(line, sizeof line, "%s", prefix);
    length += vsnprintf(line + length, sizeof line - length - 8, format, arguments);
    if (length > (int)sizeof line - 8) length = sizeof line - 8;
    length += snprintf(line + length, sizeof line - length, "%s\n", suffix);
    HANDLE file = CreateFileW(path, FILE_APPEND_DATA, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL, OPEN_ALWAYS, 0, NULL);
    if (file != INVALID_HANDLE_VALUE) {
        WriteFile(file, line, length, &done, NULL);
        CloseHandle(file);
    }
    LeaveCriticalSection(&lock);
}

void trace(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    write_line("{", format, arguments, "}");
    va_end(arguments);
}

void violation(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    write_line("{\"violation\":\"", format, arguments, "\"}");
    va_end(arguments);
}

int readable(const void *memory, SIZE_T size)
{
    const unsigned char *at = memory;
    const unsigned char *end = at + size;
    if (!memory || end < at) return 0;
    while (at < end) {
        MEMORY_BASIC_INFORMATION info;
        if (!VirtualQuery(at, &info, sizeof info) || info.State != MEM_COMMIT || (info.Protect & (PAGE_NOACCESS | PAGE_GUARD))) return 0;
        at = (const unsigned char *)info.BaseAddress + info.RegionSize;
    }
    return 1;
}

/*
 * The kernel as the driver sees it, in user mode on Linux: the declarations. native/kernel.c implements them over
 * threads and checks every call (IRQL, locks held, double completion, leaks). Time is a number that tests advance.
 */
#ifndef SALLYPORT_NATIVE_NTIFS_H
#define SALLYPORT_NATIVE_NTIFS_H

#include <stddef.h>
#include <stdint.h>

#define VOID void
#define NTAPI
#define CONST const
#define TRUE 1
#define FALSE 0
#define UNREFERENCED_PARAMETER(parameter) ((void)(parameter))
#define FIELD_OFFSET(type, field) ((LONG)offsetof(type, field))
#define CONTAINING_RECORD(address, type, field) ((type *)((char *)(address)-offsetof(type, field)))
#define MAXULONG 0xFFFFFFFFu
#define MAXUINT64 0xFFFFFFFFFFFFFFFFull
#define NT_SUCCESS(status) ((NTSTATUS)(status) >= 0)

typedef void *PVOID;
typedef char CHAR;
typedef uint8_t UCHAR, BOOLEAN, KIRQL, UINT8;
typedef uint16_t USHORT, UINT16;
typedef int32_t LONG, NTSTATUS, INT;
typedef uint32_t ULONG, UINT32, DEVICE_TYPE, ACCESS_MASK;
typedef int64_t LONG64, LONGLONG, INT64;
typedef uint64_t UINT64, ULONG64, ULONGLONG;
typedef uintptr_t ULONG_PTR, SIZE_T;
typedef void *HANDLE;
typedef wchar_t WCHAR; /* -fshort-wchar */
typedef CHAR KPROCESSOR_MODE;

typedef union {
    LONG64 QuadPart;
} LARGE_INTEGER;

typedef struct _GUID {
    ULONG Data1;
    USHORT Data2;
    USHORT Data3;
    UCHAR Data4[8];
} GUID;
typedef const GUID *LPCGUID;

typedef struct _UNICODE_STRING {
    USHORT Length;
    USHORT MaximumLength;
    WCHAR *Buffer;
} UNICODE_STRING, *PUNICODE_STRING;
typedef const UNICODE_STRING *PCUNICODE_STRING;

#define PASSIVE_LEVEL 0
#define APC_LEVEL 1
#define DISPATCH_LEVEL 2

#define STATUS_SUCCESS ((NTSTATUS)0)
#define STATUS_PENDING ((NTSTATUS)0x00000103)
#define STATUS_TIMEOUT ((NTSTATUS)0x00000102)
#define STATUS_UNSUCCESSFUL ((NTSTATUS)0xC0000001)
#define STATUS_INFO_LENGTH_MISMATCH ((NTSTATUS)0xC0000004)
#define STATUS_INVALID_PARAMETER ((NTSTATUS)0xC000000D)
#define STATUS_INVALID_DEVICE_REQUEST ((NTSTATUS)0xC0000010)
#define STATUS_ACCESS_DENIED ((NTSTATUS)0xC0000022)
#define STATUS_BUFFER_TOO_SMALL ((NTSTATUS)0xC0000023)
#define STATUS_OBJECT_NAME_INVALID ((NTSTATUS)0xC0000033)
#define STATUS_SHARING_VIOLATION ((NTSTATUS)0xC0000043)
#define STATUS_REVISION_MISMATCH ((NTSTATUS)0xC0000059)
#define STATUS_INSUFFICIENT_RESOURCES ((NTSTATUS)0xC000009A)
#define STATUS_NOT_SUPPORTED ((NTSTATUS)0xC00000BB)
#define STATUS_TOO_MANY_SESSIONS ((NTSTATUS)0xC00000CE)
#define STATUS_NO_SUCH_DEVICE ((NTSTATUS)0xC000000EL)
#define STATUS_CANCELLED ((NTSTATUS)0xC0000120)
#define STATUS_INVALID_DEVICE_STATE ((NTSTATUS)0xC0000184)
#define STATUS_INVALID_BUFFER_SIZE ((NTSTATUS)0xC0000206)
#define STATUS_DEVICE_BUSY ((NTSTATUS)0x80000011)

/* --- lists --- */

typedef struct _LIST_ENTRY {
    struct _LIST_ENTRY *Flink;
    struct _LIST_ENTRY *Blink;
} LIST_ENTRY;

static inline void InitializeListHead(LIST_ENTRY *head)
{
    head->Flink = head->Blink = head;
}

static inline BOOLEAN IsListEmpty(const LIST_ENTRY *head)
{
    return head->Flink == head;
}

static inline void InsertTailList(LIST_ENTRY *head, LIST_ENTRY *entry)
{
    entry->Flink = head;
    entry->Blink = head->Blink;
    head->Blink->Flink = entry;
    head->Blink = entry;
}

/* A removed entry points to nothing, as checked builds do: a second removal crashes at once. */
static inline BOOLEAN RemoveEntryList(LIST_ENTRY *entry)
{
    LIST_ENTRY *next = entry->Flink, *previous = entry->Blink;
    previous->Flink = next;
    next->Blink = previous;
    entry->Flink = entry->Blink = NULL;
    return next == previous;
}

static inline LIST_ENTRY *RemoveHeadList(LIST_ENTRY *head)
{
    LIST_ENTRY *entry = head->Flink;
    RemoveEntryList(entry);
    return entry;
}

/* --- memory --- */

typedef enum _POOL_TYPE { NonPagedPool = 0, NonPagedPoolNx = 512 } POOL_TYPE;

PVOID ExAllocatePoolWithTag(POOL_TYPE type, SIZE_T bytes, ULONG tag);
VOID ExFreePoolWithTag(PVOID memory, ULONG tag);
#define RtlZeroMemory(memory, bytes) ((void)__builtin_memset((memory), 0, (bytes)))
#define RtlCopyMemory(to, from, bytes) ((void)((bytes) == 0 ? NULL : __builtin_memcpy((to), (from), (bytes))))
SIZE_T RtlCompareMemory(const VOID *a, const VOID *b, SIZE_T bytes);

typedef struct _MDL {
    struct _MDL *Next;
    PVOID address;
    ULONG length;
    BOOLEAN built;
} MDL;

MDL *IoAllocateMdl(PVOID address, ULONG length, BOOLEAN secondary, BOOLEAN chargeQuota, PVOID irp);
VOID MmBuildMdlForNonPagedPool(MDL *mdl);
VOID IoFreeMdl(MDL *mdl);

/* --- interlocked --- */

#define InterlockedIncrement(value) ((LONG)__atomic_add_fetch((value), 1, __ATOMIC_SEQ_CST))
#define InterlockedDecrement(value) ((LONG)__atomic_sub_fetch((value), 1, __ATOMIC_SEQ_CST))
#define InterlockedIncrement64(value) ((LONG64)__atomic_add_fetch((value), 1, __ATOMIC_SEQ_CST))
#define InterlockedExchange(value, to) ((LONG)__atomic_exchange_n((value), (to), __ATOMIC_SEQ_CST))
#define InterlockedExchange64(value, to) ((LONG64)__atomic_exchange_n((value), (to), __ATOMIC_SEQ_CST))
#define InterlockedExchangeAdd64(value, by) ((LONG64)__atomic_fetch_add((value), (by), __ATOMIC_SEQ_CST))
#define InterlockedAnd(value, mask) ((LONG)__atomic_fetch_and((value), (mask), __ATOMIC_SEQ_CST))
#define InterlockedOr(value, mask) ((LONG)__atomic_fetch_or((value), (mask), __ATOMIC_SEQ_CST))

static inline LONG InterlockedCompareExchange(volatile LONG *value, LONG to, LONG from)
{
    __atomic_compare_exchange_n(value, &from, to, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
    return from;
}

static inline LONG64 InterlockedCompareExchange64(volatile LONG64 *value, LONG64 to, LONG64 from)
{
    __atomic_compare_exchange_n(value, &from, to, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
    return from;
}

/* --- locks, events, threads, time --- */

typedef ULONG_PTR KSPIN_LOCK;
VOID KeInitializeSpinLock(KSPIN_LOCK *lock);
VOID NativeAcquire(KSPIN_LOCK *lock, KIRQL *irql);
VOID KeReleaseSpinLock(KSPIN_LOCK *lock, KIRQL irql);
VOID KeAcquireSpinLockAtDpcLevel(KSPIN_LOCK *lock);
VOID KeReleaseSpinLockFromDpcLevel(KSPIN_LOCK *lock);
#define KeAcquireSpinLock(lock, irql) NativeAcquire((lock), (irql))
KIRQL KeGetCurrentIrql(VOID);

typedef enum _EVENT_TYPE { NotificationEvent, SynchronizationEvent } EVENT_TYPE;
typedef struct _KEVENT {
    ULONG kind; /* what KeWaitForSingleObject waits for */
    ULONG signalled;
    EVENT_TYPE type;
} KEVENT;

typedef enum { Executive = 0 } KWAIT_REASON;
#define KernelMode 0
#define IO_NO_INCREMENT 0
VOID KeInitializeEvent(KEVENT *event, EVENT_TYPE type, BOOLEAN signalled);
LONG KeSetEvent(KEVENT *event, LONG increment, BOOLEAN wait);
VOID KeClearEvent(KEVENT *event);
NTSTATUS KeWaitForSingleObject(PVOID object, KWAIT_REASON reason, KPROCESSOR_MODE mode, BOOLEAN alertable,
                               LARGE_INTEGER *timeout);
NTSTATUS KeDelayExecutionThread(KPROCESSOR_MODE mode, BOOLEAN alertable, LARGE_INTEGER *interval);
UINT64 KeQueryInterruptTime(VOID);
VOID KeQuerySystemTime(LARGE_INTEGER *time);

typedef struct _OBJECT_ATTRIBUTES {
    UNICODE_STRING *name;
    ULONG attributes;
} OBJECT_ATTRIBUTES;
#define OBJ_CASE_INSENSITIVE 0x40
#define OBJ_KERNEL_HANDLE 0x200
#define InitializeObjectAttributes(object, objectName, flags, root, security) \
    ((void)(root), (void)(security), (object)->name = (objectName), (object)->attributes = (flags))

#define THREAD_ALL_ACCESS 0x1FFFFF
typedef VOID KSTART_ROUTINE(PVOID context);
NTSTATUS PsCreateSystemThread(HANDLE *thread, ULONG access, OBJECT_ATTRIBUTES *attributes, HANDLE process, PVOID client,
                              KSTART_ROUTINE *routine, PVOID context);
NTSTATUS PsTerminateSystemThread(NTSTATUS status);
NTSTATUS ObReferenceObjectByHandle(HANDLE handle, ACCESS_MASK access, PVOID type, KPROCESSOR_MODE mode, PVOID *object,
                                   PVOID information);
VOID ObDereferenceObject(PVOID object);
NTSTATUS ZwWaitForSingleObject(HANDLE handle, BOOLEAN alertable, LARGE_INTEGER *timeout);
NTSTATUS ZwClose(HANDLE handle);
HANDLE PsGetCurrentProcessId(VOID);

typedef struct NATIVE_CALLBACK *PCALLBACK_OBJECT;
typedef VOID CALLBACK_FUNCTION(PVOID context, PVOID argument1, PVOID argument2);
#define PO_CB_SYSTEM_STATE_LOCK 3
NTSTATUS ExCreateCallback(PCALLBACK_OBJECT *object, OBJECT_ATTRIBUTES *attributes, BOOLEAN create, BOOLEAN many);
PVOID ExRegisterCallback(PCALLBACK_OBJECT object, CALLBACK_FUNCTION *function, PVOID context);
VOID ExUnregisterCallback(PVOID registration);

/* --- devices and requests --- */

typedef struct _DRIVER_OBJECT DRIVER_OBJECT, *PDRIVER_OBJECT;
typedef struct _DEVICE_OBJECT {
    DRIVER_OBJECT *DriverObject;
} DEVICE_OBJECT, *PDEVICE_OBJECT;

typedef struct _FILE_OBJECT {
    UNICODE_STRING FileName;
    PVOID FsContext;
} FILE_OBJECT;

typedef struct _IO_STACK_LOCATION {
    UCHAR MajorFunction;
    FILE_OBJECT *FileObject;
    struct {
        struct {
            ULONG OutputBufferLength;
            ULONG InputBufferLength;
            ULONG IoControlCode;
        } DeviceIoControl;
    } Parameters;
} IO_STACK_LOCATION;

struct _IRP;
typedef VOID DRIVER_CANCEL(DEVICE_OBJECT *device, struct _IRP *irp);

typedef struct _IRP {
    struct {
        NTSTATUS Status;
        ULONG_PTR Information;
    } IoStatus;
    _Atomic BOOLEAN Cancel;
    KIRQL CancelIrql;
    DRIVER_CANCEL *volatile CancelRoutine;
    struct {
        PVOID SystemBuffer;
    } AssociatedIrp;
    struct {
        struct {
            LIST_ENTRY ListEntry;
            PVOID DriverContext[4];
        } Overlay;
    } Tail;
    IO_STACK_LOCATION stack;
    _Atomic BOOLEAN pending;
    volatile LONG completed;
    PVOID owner; /* the test's */
} IRP, *PIRP;

typedef NTSTATUS DRIVER_DISPATCH(DEVICE_OBJECT *device, IRP *irp);
typedef VOID DRIVER_UNLOAD(DRIVER_OBJECT *driver);
typedef NTSTATUS DRIVER_INITIALIZE(DRIVER_OBJECT *driver, UNICODE_STRING *registryPath);

#define IRP_MJ_CREATE 0x00
#define IRP_MJ_CLOSE 0x02
#define IRP_MJ_DEVICE_CONTROL 0x0e
#define IRP_MJ_CLEANUP 0x12
#define IRP_MJ_MAXIMUM_FUNCTION 0x1b
#define FILE_DEVICE_NETWORK 0x12
#define FILE_DEVICE_SECURE_OPEN 0x100

struct _DRIVER_OBJECT {
    DRIVER_UNLOAD *DriverUnload;
    DRIVER_DISPATCH *MajorFunction[IRP_MJ_MAXIMUM_FUNCTION + 1];
};

NTSTATUS IoCreateDeviceSecure(DRIVER_OBJECT *driver, ULONG extension, UNICODE_STRING *name, DEVICE_TYPE type,
                              ULONG characteristics, BOOLEAN exclusive, PCUNICODE_STRING security, LPCGUID class,
                              DEVICE_OBJECT **device);
VOID IoDeleteDevice(DEVICE_OBJECT *device);
NTSTATUS IoCreateSymbolicLink(UNICODE_STRING *link, UNICODE_STRING *name);
NTSTATUS IoDeleteSymbolicLink(UNICODE_STRING *link);
IO_STACK_LOCATION *IoGetCurrentIrpStackLocation(IRP *irp);
VOID IoMarkIrpPending(IRP *irp);
VOID IoCompleteRequest(IRP *irp, CHAR boost);
VOID IoAcquireCancelSpinLock(KIRQL *irql);
VOID IoReleaseCancelSpinLock(KIRQL irql);

static inline DRIVER_CANCEL *IoSetCancelRoutine(IRP *irp, DRIVER_CANCEL *routine)
{
    return __atomic_exchange_n(&irp->CancelRoutine, routine, __ATOMIC_SEQ_CST);
}

/* --- the cancel-safe queue (csq.h); compat/csq.c implements it --- */

typedef struct _IO_CSQ IO_CSQ, *PIO_CSQ;
typedef struct _IO_CSQ_IRP_CONTEXT *PIO_CSQ_IRP_CONTEXT;
typedef VOID (*PIO_CSQ_INSERT_IRP)(IO_CSQ *csq, IRP *irp);
typedef NTSTATUS IO_CSQ_INSERT_IRP_EX(IO_CSQ *csq, IRP *irp, PVOID context);
typedef IO_CSQ_INSERT_IRP_EX *PIO_CSQ_INSERT_IRP_EX;
typedef VOID (*PIO_CSQ_REMOVE_IRP)(IO_CSQ *csq, IRP *irp);
typedef IRP *(*PIO_CSQ_PEEK_NEXT_IRP)(IO_CSQ *csq, IRP *irp, PVOID context);
typedef VOID (*PIO_CSQ_ACQUIRE_LOCK)(IO_CSQ *csq, KIRQL *irql);
typedef VOID (*PIO_CSQ_RELEASE_LOCK)(IO_CSQ *csq, KIRQL irql);
typedef VOID (*PIO_CSQ_COMPLETE_CANCELED_IRP)(IO_CSQ *csq, IRP *irp);

struct _IO_CSQ {
    ULONG Type;
    PIO_CSQ_INSERT_IRP CsqInsertIrp;
    PIO_CSQ_REMOVE_IRP CsqRemoveIrp;
    PIO_CSQ_PEEK_NEXT_IRP CsqPeekNextIrp;
    PIO_CSQ_ACQUIRE_LOCK CsqAcquireLock;
    PIO_CSQ_RELEASE_LOCK CsqReleaseLock;
    PIO_CSQ_COMPLETE_CANCELED_IRP CsqCompleteCanceledIrp;
    PVOID ReservePointer;
};

#endif

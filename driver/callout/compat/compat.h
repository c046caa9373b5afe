/* What the WDK's wdm.h brings inline and older headers lack. Not used in a WDK build. */
#ifndef SALLYPORT_COMPAT_H
#define SALLYPORT_COMPAT_H

#ifndef _Use_decl_annotations_
#define _Use_decl_annotations_
#endif
#ifndef _IRQL_requires_max_
#define _IRQL_requires_max_(level)
#endif
#ifndef _IRQL_requires_
#define _IRQL_requires_(level)
#endif
#ifndef _IRQL_requires_same_
#define _IRQL_requires_same_
#endif
#ifndef _Must_inspect_result_
#define _Must_inspect_result_
#endif
#ifndef _Guarded_by_
#define _Guarded_by_(lock)
#endif
#ifndef _In_
#define _In_
#endif
#ifndef _In_opt_
#define _In_opt_
#endif
#ifndef _Inout_
#define _Inout_
#endif
#ifndef _Inout_opt_
#define _Inout_opt_
#endif
#ifndef _Out_
#define _Out_
#endif
#ifndef _Out_opt_
#define _Out_opt_
#endif
#ifndef _In_reads_bytes_
#define _In_reads_bytes_(size)
#endif
#ifndef _In_reads_bytes_opt_
#define _In_reads_bytes_opt_(size)
#endif
#ifndef _Out_writes_bytes_
#define _Out_writes_bytes_(size)
#endif
#ifndef _At_
#define _At_(what, annotation)
#endif
#ifndef _Post_
#define _Post_
#endif
#ifndef _IRQL_raises_
#define _IRQL_raises_(level)
#endif
#ifndef _IRQL_saves_
#define _IRQL_saves_
#endif
#ifndef _IRQL_restores_
#define _IRQL_restores_
#endif
#ifndef _Acquires_lock_
#define _Acquires_lock_(lock)
#endif
#ifndef _Releases_lock_
#define _Releases_lock_(lock)
#endif
#ifndef _Dispatch_type_
#define _Dispatch_type_(function)
#endif

/* Both are one function type; the name tells code analysis that the routine runs at PASSIVE_LEVEL. */
typedef DRIVER_DISPATCH DRIVER_DISPATCH_PAGED;

/* Of these, too, older headers know only the pointers. */
typedef VOID(NTAPI IO_CSQ_REMOVE_IRP)(PIO_CSQ csq, PIRP irp);
typedef PIRP(NTAPI IO_CSQ_PEEK_NEXT_IRP)(PIO_CSQ csq, PIRP irp, PVOID peekContext);
typedef VOID(NTAPI IO_CSQ_COMPLETE_CANCELED_IRP)(PIO_CSQ csq, PIRP irp);

/* compat/csq.c instead of the kernel's, whose declarations are imports. */
#ifndef IO_TYPE_CSQ_EX
#define IO_TYPE_CSQ_EX 3
#endif
#define IoCsqInitializeEx CompatCsqInitializeEx
#define IoCsqInsertIrpEx CompatCsqInsertIrpEx
#define IoCsqRemoveNextIrp CompatCsqRemoveNextIrp

NTSTATUS NTAPI IoCsqInitializeEx(PIO_CSQ csq, PIO_CSQ_INSERT_IRP_EX insert, PIO_CSQ_REMOVE_IRP remove,
                                 PIO_CSQ_PEEK_NEXT_IRP peek, PIO_CSQ_ACQUIRE_LOCK acquire, PIO_CSQ_RELEASE_LOCK release,
                                 PIO_CSQ_COMPLETE_CANCELED_IRP completeCancelled);
NTSTATUS NTAPI IoCsqInsertIrpEx(PIO_CSQ csq, PIRP irp, PIO_CSQ_IRP_CONTEXT irpContext, PVOID insertContext);
PIRP NTAPI IoCsqRemoveNextIrp(PIO_CSQ csq, PVOID peekContext);

static inline PVOID ExAllocatePoolUninitialized(POOL_TYPE type, SIZE_T bytes, ULONG tag)
{
    return ExAllocatePoolWithTag(type, bytes, tag);
}

#endif

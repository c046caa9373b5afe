/* Load and unload. The order is the module graph; unwinding goes the same way back. */
#include "callout.h"
#include "client.h"
#include "device.h"
#include "event.h"
#include "hold.h"
#include "modules.h"
#include "packet.h"
#include "policy.h"
#include "power.h"
#include "statistics.h"
#include "table.h"
#include "watchdog.h"

DRIVER_INITIALIZE DriverEntry;
DRIVER_UNLOAD DriverUnload;

static DEVICE_OBJECT *Device;

/* Nothing new is held, and everything held is completed, before anything it needs goes away. */
static VOID StopHolding(VOID)
{
    TableClose(SALLYPORT_REASON_UNLOAD);
    (VOID)TableDecideAll(SALLYPORT_VERDICT_BLOCK, SALLYPORT_REASON_UNLOAD);
    HoldCompleteReady();
    TableWaitIdle();
}

/* No handle is open and no request runs: the I/O manager does not call it before. */
_Use_decl_annotations_ VOID NTAPI DriverUnload(DRIVER_OBJECT *driver)
{
    UNREFERENCED_PARAMETER(driver);
    StopHolding();
    PowerUninitialize();
    ModulesStop();
    CalloutUninitialize(); /* returns when no classify runs any more */
    WatchdogUninitialize();
    PacketUninitialize(); /* returns when no injection runs any more */
    TableUninitialize();
    DeviceUninitialize(Device);
}

_Use_decl_annotations_ NTSTATUS NTAPI DriverEntry(DRIVER_OBJECT *driver, UNICODE_STRING *registryPath)
{
    NTSTATUS status;
    UNREFERENCED_PARAMETER(registryPath);

    StatisticsInitialize();
    EventInitialize();
    PolicyInitialize();
    ClientsInitialize();
    TableInitialize();

    status = DeviceInitialize(driver, &Device);
    if (!NT_SUCCESS(status)) {
        return status;
    }
    ModulesInitialize(Device);
    status = PacketInitialize();
    if (!NT_SUCCESS(status)) {
        goto deviceMade;
    }
    status = WatchdogInitialize();
    if (!NT_SUCCESS(status)) {
        goto packetMade;
    }
    status = PowerInitialize();
    if (!NT_SUCCESS(status)) {
        goto watchdogMade;
    }
    status = CalloutInitialize(Device);
    if (!NT_SUCCESS(status)) {
        goto powerMade;
    }
    driver->DriverUnload = DriverUnload;
    return STATUS_SUCCESS;

powerMade:
    PowerUninitialize();
watchdogMade:
    WatchdogUninitialize();
packetMade:
    PacketUninitialize();
deviceMade:
    DeviceUninitialize(Device);
    return status;
}

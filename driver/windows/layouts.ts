import koffi from 'koffi';

/**
 * Structures of Windows that are read and written here; those of the driver are in contract.ts. Only what stands at the start of a larger
 * structure is named where the rest is not looked at. Compared with mingw-w64's headers by a compiler (layouts.test.ts).
 */
const pointer = 'void *';

/** `Internal` is the NTSTATUS of the finished call, `InternalHigh` the bytes it moved. minwinbase.h */
export const OVERLAPPED = koffi.struct({
  Internal: 'uint64_t',
  InternalHigh: 'uint64_t',
  Offset: 'uint32_t',
  OffsetHigh: 'uint32_t',
  hEvent: pointer,
});

/** winsvc.h */
export const SERVICE_STATUS_PROCESS = koffi.struct({
  dwServiceType: 'uint32_t',
  dwCurrentState: 'uint32_t',
  dwControlsAccepted: 'uint32_t',
  dwWin32ExitCode: 'uint32_t',
  dwServiceSpecificExitCode: 'uint32_t',
  dwCheckPoint: 'uint32_t',
  dwWaitHint: 'uint32_t',
  dwProcessId: 'uint32_t',
  dwServiceFlags: 'uint32_t',
});
export const ENUM_SERVICE_STATUS_PROCESSW = koffi.struct({
  lpServiceName: pointer,
  lpDisplayName: pointer,
  ServiceStatusProcess: SERVICE_STATUS_PROCESS,
});

/** winternl.h */
export const UNICODE_STRING = koffi.struct({ Length: 'uint16_t', MaximumLength: 'uint16_t', Buffer: pointer });
export const PROCESS_BASIC_INFORMATION = koffi.struct({
  ExitStatus: 'int32_t',
  PebBaseAddress: pointer,
  AffinityMask: 'uint64_t',
  BasePriority: 'int32_t',
  UniqueProcessId: 'uint64_t',
  InheritedFromUniqueProcessId: 'uint64_t',
});

/** winnt.h */
export const SID_AND_ATTRIBUTES = koffi.struct({ Sid: pointer, Attributes: 'uint32_t' });
export const TOKEN_USER = koffi.struct({ User: SID_AND_ATTRIBUTES });

/** wintrust.h */
export const WINTRUST_FILE_INFO = koffi.struct({
  cbStruct: 'uint32_t',
  pcwszFilePath: pointer,
  hFile: pointer,
  pgKnownSubject: pointer,
});
/** As Windows 7 had it; `cbStruct` tells that the later pSignatureSettings is not there. */
export const WINTRUST_DATA = koffi.struct({
  cbStruct: 'uint32_t',
  pPolicyCallbackData: pointer,
  pSIPClientData: pointer,
  dwUIChoice: 'uint32_t',
  fdwRevocationChecks: 'uint32_t',
  dwUnionChoice: 'uint32_t',
  pFile: pointer,
  dwStateAction: 'uint32_t',
  hWVTStateData: pointer,
  pwszURLReference: pointer,
  dwProvFlags: 'uint32_t',
  dwUIContext: 'uint32_t',
});
/** The start of it. */
export const CRYPT_PROVIDER_CERT = koffi.struct({ cbStruct: 'uint32_t', pCert: pointer });

/** Offset of a member of these structures. */
export const at = (type: typeof OVERLAPPED, member: string): number => {
  const found = type.members?.[member];
  if (!found) throw new Error(`layouts: no member ${member}`);
  return found.offset;
};

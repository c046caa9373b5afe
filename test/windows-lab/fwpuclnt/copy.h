/* What a caller gave, copied whole. Each function answers 0 or the error that the engine would return. */
#pragma once
#include "block.h"

/** First member of every object but FWPM_PROVIDER0 the same: key 0, displayData 16, flags 32, providerKey 40, providerData 48. */
struct common {
    GUID key;
    FWPM_DISPLAY_DATA0 displayData;
    UINT32 flags;
};

DWORD copy_provider(struct block *block, const FWPM_PROVIDER0 *source);
DWORD copy_provider_context(struct block *block, const FWPM_PROVIDER_CONTEXT0 *source);
DWORD copy_sublayer(struct block *block, const FWPM_SUBLAYER0 *source);
DWORD copy_callout(struct block *block, const FWPM_CALLOUT0 *source);
/** The structure only: whether its conditions suit the layer is check.h's business. */
DWORD copy_filter(struct block *block, const FWPM_FILTER0 *source);
DWORD copy_value(struct block *block, UINT32 at, const FWP_CONDITION_VALUE0 *source, int single);
DWORD copy_string(struct block *block, UINT32 slot, const wchar_t *text);

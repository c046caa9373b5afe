/*
 * The classify functions of the authorization layers: ALE_AUTH_CONNECT and ALE_AUTH_RECV_ACCEPT, V4 and V6, and of
 * ALE_ENDPOINT_CLOSURE, which tells that a socket is gone. IRQL <= DISPATCH_LEVEL, arbitrary thread.
 */
#ifndef SALLYPORT_AUTHORIZE_H
#define SALLYPORT_AUTHORIZE_H

#include "platform.h"

void NTAPI AuthorizeClassify(const FWPS_INCOMING_VALUES0 *values, const FWPS_INCOMING_METADATA_VALUES0 *metadata,
                             void *layerData, const void *classifyContext, const FWPS_FILTER2 *filter, UINT64 flowContext,
                             FWPS_CLASSIFY_OUT0 *out);

/** Inspection only: says FWP_ACTION_CONTINUE, never a verdict. */
void NTAPI AuthorizeClosure(const FWPS_INCOMING_VALUES0 *values, const FWPS_INCOMING_METADATA_VALUES0 *metadata,
                            void *layerData, const void *classifyContext, const FWPS_FILTER2 *filter, UINT64 flowContext,
                            FWPS_CLASSIFY_OUT0 *out);

#endif

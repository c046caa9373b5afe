#!/bin/bash
# mutants.sh [PART-OF-A-NAME]: breaks the driver's sources one way at a time, in a copy, and checks that the native tests notice each.
# A mutant that survives is a rule that no test guards. Prints one line per mutant; fails when one survives.
set -u
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
survived=0
total=0
only=${1:-}
mutant() { # NAME FILE FROM TO
  local name=$1 file=$2 from=$3 to=$4
  [[ $name == *"$only"* ]] || return 0
  total=$((total + 1))
  rm -rf "$work/callout"
  mkdir "$work/callout"
  cp -r ./*.c ./*.h include compat native "$work/callout/"
  FROM=$from TO=$to perl -0pi -e 'BEGIN { $f = quotemeta $ENV{FROM}; $t = $ENV{TO} } $n += s/$f/$t/; END { exit($n ? 0 : 9) }' "$work/callout/$file" \
    || { echo "mutant '$name': its text is not in $file any more"; survived=$((survived + 1)); return; }
  if ! make -s -C "$work/callout/native" BUILD="$work/build" CC=gcc EXTRA=-Wno-error "$work/build/tests-address" >"$work/log" 2>&1; then
    echo "mutant '$name': does not compile"; sed -n 1,5p "$work/log"; survived=$((survived + 1)); return
  fi
  # A hang is noticed too: the tests need a few seconds.
  if (timeout 40 "$work/build/tests-address" >"$work/log" 2>&1) 2>/dev/null; then
    echo "SURVIVED: $name"
    survived=$((survived + 1))
  else
    echo "noticed: $name ($(grep -m1 -E 'VIOLATION|expected|ERROR: |runtime error' "$work/log" | cut -c1-90))"
  fi
}
mutant 'right not checked' authorize.c 'if ((out->rights & FWPS_RIGHT_ACTION_WRITE) == 0) {' 'if (0) {'
mutant 'own packet not recognised' packet.c 'if (state != FWPS_PACKET_INJECTED_BY_SELF &&' 'if (1 || state != FWPS_PACKET_INJECTED_BY_SELF &&'
mutant 'reauthorization pended' authorize.c 'if (reauthorize && Reauthorize(&attempt, filter, out)) {' 'reauthorize = FALSE; if (reauthorize && Reauthorize(&attempt, filter, out)) {'
mutant 'lost completion permitted' authorize.c 'HoldDecide(attempt, filter, SALLYPORT_VERDICT_BLOCK, SALLYPORT_REASON_STRANGER, out);' 'HoldDecide(attempt, filter, SALLYPORT_VERDICT_PERMIT, SALLYPORT_REASON_STRANGER, out);'
mutant 'decider not exempt' authorize.c 'attempt->processId == ClientsDeciderProcessId()' '0'
mutant 'absorb after a failed pend' hold.c 'HoldDecide(attempt, filter, policy->onOverflow, SALLYPORT_REASON_CANNOT_PEND, out);' 'VerdictAbsorb(out);'
mutant 'failed pend stays in the table' hold.c 'TableAbandon(request);
        /* Nobody' '/* Nobody'
mutant 'block stays soft' verdict.h 'out->actionType = FWP_ACTION_BLOCK;
    out->rights &= ~(UINT32)FWPS_RIGHT_ACTION_WRITE;' 'out->actionType = FWP_ACTION_BLOCK;'
mutant 'hard permit lost' verdict.h 'if (hard || ' 'if ('
mutant 'decider dies, nothing completed' device.c 'HoldCompleteReady();' ';'
mutant 'time-out ignored' table.c 'if (request->deadline <= now) {' 'if (0) {'
mutant 'answered twice' table.c 'if (request != NULL && request->verdict == 0) {' 'if (request != NULL) {'
mutant 'cap per process ignored' table.c 'IndexHeldByProcess(request->processId) >= policy->maxHeldPerProcess ||' ''
mutant 'held bytes never given back' table.c 'Counts.heldBytes -= request->packetBytes;' ''
mutant 'lock held across completion' hold.c 'FwpsCompleteOperation0(context, first == NULL' '{ KSPIN_LOCK l = 0; KIRQL q; KeAcquireSpinLock(&l, &q); (void)q; } FwpsCompleteOperation0(context, first == NULL'
mutant 'packet not moved back' packet.c 'NdisAdvanceNetBufferDataStart(buffer, headers, FALSE, NULL);' ''
mutant 'header length trusted' packet.c 'if (length < 20 || length > injection->packet->length) {' 'if (0) {'
mutant 'checksum not written' packet.c 'WriteHeaderChecksum(injection->packet->bytes, length);' ''
mutant 'control data dropped' packet.c 'made->parameters.controlDataLength = packet->controlDataLength;' ''
mutant 'closure says nothing' authorize.c 'out->actionType = FWP_ACTION_CONTINUE;' ''
mutant 'failed injection leaks' packet.c 'COUNT(injectFailures);
        FreeInjection(injection);' 'COUNT(injectFailures);'
mutant 'output length not checked' control.c 'outputLength < Codes[i].output ? STATUS_BUFFER_TOO_SMALL : STATUS_SUCCESS' 'STATUS_SUCCESS'
mutant 'observers may decide' control.c 'ClientRole(client) != SALLYPORT_ROLE_DECIDER' 'FALSE'
mutant 'batch not checked whole' control.c '(verdicts[i].flags & ~SALLYPORT_VERDICT_FLAG_HARD) != 0' '0'
mutant 'reserved fields ignored' policy.c 'if (policy->reserved[i] != 0) {' 'if (0) {'
mutant 'memory not zeroed' pool.c 'RtlZeroMemory(memory, bytes);' ''
mutant 'inverted calls not cancelled' calls.c 'while ((irp = CallsTake(calls)) != NULL) {' 'while (0 && (irp = CallsTake(calls)) != NULL) {'
mutant 'PENDED may be lost' client.c 'if (Decider->count + Decider->reserved < Decider->capacity) {' 'if (1) {'
mutant 'flow contexts not taken back' stream.c '(VOID)FwpsFlowRemoveContext0(flowHandle, layerId, calloutId);' ''
mutant 'proxy redirected to itself' redirect.c 'processId == ProxyProcessId ||' ''
mutant 'callouts left registered' driver.c 'CalloutUninitialize(); /*' ';/*'
mutant 'sleep with connections held' power.c '(VOID)TableDecideAll(SALLYPORT_VERDICT_BLOCK, SALLYPORT_REASON_POWER);' ''
mutant 'exemptions survive' device.c 'PolicyEndExemptions(client);' ''
mutant 'redirected taken for loopback' attempt.c 'attempt->loopback = FALSE; /*' '; /*'
mutant 'redirected told as the proxy' event.c 'RtlCopyMemory(body->remoteAddress, attempt->destinationAddress, 16);' 'RtlCopyMemory(body->remoteAddress, attempt->remoteAddress, 16);'
mutant 'redirected loopback held' attempt.c '!ReadOriginal(attempt, metadata) || !AddressIsLoopback' '!ReadOriginal(attempt, metadata) || 1 || !AddressIsLoopback'
mutant 'redirected datagrams by the proxy' request.c 'if (attempt->protocol == IPPROTO_TCP) {' 'if (1) {'
mutant 'redirected connects by destination' request.c 'if (attempt->protocol == IPPROTO_TCP) {' 'if (0) {'
mutant 'redirected inline with flags' redirect.c 'FwpsApplyModifiedLayerData0(handle, request, 0);' 'FwpsApplyModifiedLayerData0(handle, request, 1);'
mutant 'decider gone, modules set' modules.c 'if (ClientsIsDecider(decider)) {' 'if (1) {'
mutant 'decider asked before the turn' modules.c 'TakeTurn();
    /* Its' '{ BOOLEAN d = ClientsIsDecider(decider); TakeTurn(); if (d) { status = Change(modules); Owner = decider; } GiveTurn(); return status; }
    /* Its'
mutant 'decider gone, policy set' policy.c 'if (ClientsIsDecider(decider)) {' 'if (1) {'
mutant 'late end of modules' modules.c 'if (Owner == decider) {' 'if (1) {'
mutant 'late end of exemptions' policy.c 'if (Owner == decider) {' 'if (1) {'
mutant 'late attach' client.c ' || client->closing' ''
mutant 'stream ids repeat' stream.c 'MostFlows = modules->streamFlows;' 'MostFlows = modules->streamFlows; NextFlowId = 0;'
mutant 'stream bytes lost silently' stream.c 'StopTelling(flow, &event, (ULONG)copied, TRUE);' ''
mutant 'stream event lost silently' stream.c 'StopTelling(flow, &event, 0, FALSE);' ''
mutant 'stream never ends' stream.c 'TellEnd(flow, inbound);' ''
mutant 'stream ends twice' stream.c '!Stopping && !flow->ended[inbound]' '!Stopping'
echo "$total mutants, $survived survived"
[ "$total" -gt 0 ] && [ "$survived" = 0 ]

/* What several processes share: the file SALLYPORT_LAB_STORE of persistent objects, and of static ones when they are one run of the service. All with the engine's lock held. */
#pragma once
#include "store.h"

void shared_start(void);
/** Takes over what another process wrote since, and tells subscribers of it. Without a file, or when nothing changed: nothing. */
void shared_read(void);
void shared_write(void);
/** The one writer of all processes; ends with its process too. False after `waitMs`. */
int shared_lock(DWORD waitMs);
void shared_unlock(void);
/** Whether somebody stopped the service while this process runs: there is a file named like the store with `.stopped` behind it. */
int shared_stopped(void);

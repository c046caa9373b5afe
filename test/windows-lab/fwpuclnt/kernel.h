/* The kernel's half: what is committed here is what it classifies by. With the engine's lock held. */
#pragma once
#include "store.h"

/** With SALLYPORT_LAB_KERNEL: tells the lab's kernel of the committed filters. False when it is not there yet. */
int kernel_push(UINT64 version);

/* Memory that the engine gives out and gets back by FwpmFreeMemory0. What is not freed, or freed twice, is a violation. */
#pragma once
#include "lab.h"

void *give_out(SIZE_T size);
void take_back(void **pointer);
/** Called when the last session ends: everything must be back by then. */
void memory_check(void);

/* Objects as JSON, read through mingw's headers: what arrived, independent of who wrote it. */
#pragma once
#include "store.h"

void print_filter(const FWPM_FILTER0 *filter, DWORD error);
void print_object(const char *call, const struct common *object, DWORD error);

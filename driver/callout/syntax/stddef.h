/*
 * For `make syntax` only: stddef.h as the kernel's C library has it, where offsetof is a cast of an address. clang does not
 * take that for a constant; SP_OFFSET (ioctl.h) it does.
 */
#ifndef SALLYPORT_SYNTAX_STDDEF_H
#define SALLYPORT_SYNTAX_STDDEF_H

typedef __SIZE_TYPE__ size_t;
typedef __PTRDIFF_TYPE__ ptrdiff_t;
typedef __WCHAR_TYPE__ wchar_t;

#define NULL ((void *)0)
#define offsetof(structure, member) ((size_t)(ptrdiff_t) & (((structure *)0)->member))

#endif

#pragma once
#include <stdarg.h>
#include <et/com_err.h>
#include <ext2fs/ext2_fs.h>
#include <ext2fs/ext2fs.h>

// libext2fs prints some complaints about damage on standard error, which is not its to write on: a hook that drops them.
// Here, because a Swift closure cannot take the va_list of a hook.
static inline void cext2fs_drop_message(const char *who, long code, const char *format, va_list arguments) {
    (void)who, (void)code, (void)format, (void)arguments;
}
static inline void cext2fs_drop_messages(void) { set_com_err_hook(cext2fs_drop_message); }

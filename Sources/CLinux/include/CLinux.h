#pragma once
#include <stdint.h>

// Linux constants and ioctls that Swift does not import: values behind _GNU_SOURCE, and _IO() macros.
// They are read in CLinux.c, so that no import order or feature-test macro can change them.

extern const int clinux_O_DIRECT;

/// BLKGETSIZE64 and BLKSSZGET (linux/fs.h): the size of a block device and of its logical sector, in bytes.
/// Returns 0, or -1 with errno set.
int clinux_block_size(int fd, uint64_t *bytes, int *sector);

/// BLKFLSBUF (linux/fs.h): writes back and drops the kernel's cached pages of a block device.
int clinux_flush_buffers(int fd);

/// BLKRRPART (linux/fs.h): makes the kernel read the partition table again. Fails with EBUSY while one is in use.
int clinux_reread_partitions(int fd);

/// BLKZEROOUT (linux/fs.h): makes a range of a block device read as zeros. Returns 0, or -1 with errno set.
int clinux_zero_out(int fd, uint64_t offset, uint64_t length);

/// posix_fadvise(POSIX_FADV_DONTNEED) over the whole file; returns 0 or an errno value.
int clinux_drop_cache(int fd);

/// lseek(SEEK_DATA) and lseek(SEEK_HOLE): the next data or hole at or after `offset`, or -1 with errno set.
int64_t clinux_seek_data(int fd, int64_t offset);
int64_t clinux_seek_hole(int fd, int64_t offset);

/// fallocate(FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE).
int clinux_punch_hole(int fd, int64_t offset, int64_t length);

/// The device numbers in a `dev_t`, as <sys/sysmacros.h> splits them.
unsigned int clinux_major(uint64_t device);
unsigned int clinux_minor(uint64_t device);

/// A non-blocking netlink socket that hears the kernel's device events (NETLINK_KOBJECT_UEVENT, group 1: what the kernel
/// itself sends, with or without udev), or -1 with errno set.
int clinux_uevent_socket(void);

/// PR_SET_DUMPABLE 0 (prctl(2)) and RLIMIT_CORE 0 (getrlimit(2)): no core dump of this process, and nobody but root traces
/// it or reads its memory. Returns 0, or -1 with errno set.
int clinux_forbid_dumps(void);

/// Makes this process `user` for good: the groups of `name` (NULL: only `group`), then all three group and user IDs, no
/// kept or ambient capabilities (credentials(7), capabilities(7)). Returns 0 once the kernel has refused to give root's
/// user ID back, or -1 with errno set; the process may then be anything and must end.
int clinux_become(const char *name, unsigned int user, unsigned int group);

/// A pair of connected SOCK_SEQPACKET sockets (unix(7)): each message arrives whole or not at all. Returns 0, or -1 with
/// errno set.
int clinux_packet_sockets(int pair[2]);

/// Whether `fd` is such a socket.
int clinux_is_packet_socket(int fd);

/// Sends one message, with the open file `passed` unless that is -1 (SCM_RIGHTS). Returns 0, or -1 with errno set.
int clinux_send(int socket, const void *bytes, unsigned long count, int passed);

/// Receives one message of at most `count` bytes, and the file that came with it (close-on-exec), or -1 if none did.
/// Returns the message's length, 0 at the end, or -1 with errno set: EMSGSIZE if it was longer or brought more files.
long clinux_receive(int socket, void *bytes, unsigned long count, int *passed);

/// Adds O_DIRECT to the flags of an open file. Returns 0, or -1 with errno set.
int clinux_set_direct(int fd);

/// PR_SET_NO_NEW_PRIVS (prctl(2)): no program that this process starts has more rights than it. Returns 0, or -1 with errno
/// set.
int clinux_forbid_new_privileges(void);

/// A new file in memory (memfd_create(2)), close-on-exec, or -1 with errno set.
int clinux_memory_file(void);

#define _GNU_SOURCE
#include "CLinux.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/netlink.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <unistd.h>

const int clinux_O_DIRECT = O_DIRECT;

int clinux_block_size(int fd, uint64_t *bytes, int *sector) {
    if (ioctl(fd, BLKGETSIZE64, bytes) != 0) return -1;
    return ioctl(fd, BLKSSZGET, sector);
}

int clinux_flush_buffers(int fd) { return ioctl(fd, BLKFLSBUF, 0); }

int clinux_reread_partitions(int fd) { return ioctl(fd, BLKRRPART); }

int clinux_zero_out(int fd, uint64_t offset, uint64_t length) {
    uint64_t range[2] = {offset, length};
    return ioctl(fd, BLKZEROOUT, range);
}

int clinux_drop_cache(int fd) { return posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED); }

int64_t clinux_seek_data(int fd, int64_t offset) { return lseek(fd, offset, SEEK_DATA); }

int64_t clinux_seek_hole(int fd, int64_t offset) { return lseek(fd, offset, SEEK_HOLE); }

int clinux_punch_hole(int fd, int64_t offset, int64_t length) {
    return fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, length);
}

unsigned int clinux_major(uint64_t device) { return major(device); }

unsigned int clinux_minor(uint64_t device) { return minor(device); }

int clinux_uevent_socket(void) {
    int fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_KOBJECT_UEVENT);
    if (fd < 0) return -1;
    struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_groups = 1};
    if (bind(fd, (struct sockaddr *)&address, sizeof address) == 0) return fd;
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

// Faults in the C library's calls, for one program (LD_PRELOAD), and a record of what it did.
//   FAULT_TARGET  paths, separated by ':'; one that ends in '*' is every path that begins so
//   FAULT_PLAN    rules, separated by ';': OP,WHEN,ACTION[,NUMBER]
//     OP      pwrite pread write read fsync flush rrpart zeroout size open rename link unlink mkdir truncate punch: such
//             a call on the target; any: every one of them; call: every call seen here, whatever it is about
//     WHEN    N (the N-th, from 1), N+ (from then on), %P (each with a probability of P in 1000), >OFFSET (touches what is
//             behind it)
//     ACTION  the name of an error; short,K (only K bytes); drop (says that it is done); flip,BIT; zero; stale (reads
//             FAULT_OLD); wrap,SIZE (a card that is smaller than it says); torn,K (K bytes, then SIGKILL); gone,ERROR (from
//             then on everything fails); lie (a flush that does nothing); kill; sig,NUMBER; twice,NUMBER (two signals); change (the target is
//             written to by someone else)
//   FAULT_SEED    for %P
//   FAULT_TIME    the real-time clock stands still at this second
//   FAULT_LOG     gets a line for each call, and FAULT_DATA the bytes that were written
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum op { PWRITE, PREAD, WRITE, READ, FSYNC, FLUSH, RRPART, ZEROOUT, SIZE, OPEN, RENAME, LINK, UNLINK, MKDIR, TRUNCATE, PUNCH, ANY, CALL, OPS };
static const char *const names[OPS] = {"pwrite", "pread", "write", "read", "fsync", "flush", "rrpart", "zeroout", "size",
    "open", "rename", "link", "unlink", "mkdir", "truncate", "punch", "any", "call"};

struct rule {
    enum op op;
    long from, beyond, chance;
    int stays, error, seen;
    char action[16];
    long number;
};

static struct rule rules[16];
static int rule_count;
static long counts[OPS];
static char target_text[8192];
static const char *targets[64];
static int target_count;
static char is_target[65536];
static FILE *log_file, *data_file;
static int old_contents = -1, gone;
static long wrap_size, fixed_time = -1;
static unsigned chance_state = 1;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static __thread int inside;

static const struct { const char *name; int error; } errors[] = {
    {"EIO", EIO}, {"ENOSPC", ENOSPC}, {"EINTR", EINTR}, {"ENXIO", ENXIO}, {"ENODEV", ENODEV}, {"ENOMEDIUM", ENOMEDIUM},
    {"EROFS", EROFS}, {"EBUSY", EBUSY}, {"EINVAL", EINVAL}, {"EAGAIN", EAGAIN}, {"ENOMEM", ENOMEM}, {"EPERM", EPERM},
    {"EACCES", EACCES}, {"ETIMEDOUT", ETIMEDOUT}, {"EREMOTEIO", EREMOTEIO}, {"ENOTTY", ENOTTY},
    {"EOPNOTSUPP", EOPNOTSUPP}, {"EMFILE", EMFILE}, {"EDQUOT", EDQUOT}, {"EFBIG", EFBIG}, {"EILSEQ", EILSEQ},
    {"ENODATA", ENODATA}, {"ENOENT", ENOENT}, {"ESTALE", ESTALE}};

#define REAL(result, name, ...) static result (*real_##name)(__VA_ARGS__)
REAL(ssize_t, pwrite, int, const void *, size_t, off_t);
REAL(ssize_t, pread, int, void *, size_t, off_t);
REAL(ssize_t, write, int, const void *, size_t);
REAL(ssize_t, read, int, void *, size_t);
REAL(int, fsync, int);
REAL(int, ioctl, int, unsigned long, ...);
REAL(int, openat, int, const char *, int, ...);
REAL(int, close, int);
REAL(int, renameat, int, const char *, int, const char *);
REAL(int, linkat, int, const char *, int, const char *, int);
REAL(int, unlinkat, int, const char *, int);
REAL(int, mkdirat, int, const char *, mode_t);
REAL(int, ftruncate, int, off_t);
REAL(int, fallocate, int, int, off_t, off_t);
REAL(int, clock_gettime, clockid_t, struct timespec *);
REAL(int, gettimeofday, struct timeval *, void *);
REAL(time_t, time, time_t *);

static int error_named(const char *name) {
    for (unsigned i = 0; i < sizeof errors / sizeof *errors; i++)
        if (!strcmp(errors[i].name, name)) return errors[i].error;
    return 0;
}

static void add_rule(const char *text) {
    struct rule rule = {.beyond = -1};
    char op[16], when[32];
    int parts = sscanf(text, "%15[^,],%31[^,],%15[^,],%ld", op, when, rule.action, &rule.number);
    int found = 0;
    while (found < OPS && strcmp(names[found], op)) found++;
    if (parts < 3 || found == OPS || rule_count == 16) {
        dprintf(2, "faults: the rule %s cannot be read\n", text);
        _exit(99);
    }
    rule.op = found;
    if (*when == '%') rule.chance = atol(when + 1);
    else if (*when == '>') rule.beyond = atol(when + 1);
    else rule.from = atol(when), rule.stays = strchr(when, '+') != NULL;
    rule.error = error_named(rule.action);
    if (!strcmp(rule.action, "wrap")) wrap_size = rule.number;
    rules[rule_count++] = rule;
}

static void begin(void) {
    static int done;
    if (done) return;
    done = 1;
#define FIND(name) real_##name = dlsym(RTLD_NEXT, #name)
    FIND(pwrite); FIND(pread); FIND(write); FIND(read); FIND(fsync); FIND(ioctl); FIND(openat); FIND(close);
    FIND(renameat); FIND(linkat); FIND(unlinkat); FIND(mkdirat); FIND(ftruncate); FIND(fallocate);
    FIND(clock_gettime); FIND(gettimeofday); FIND(time);
    const char *text;
    char *rest = NULL;
    if ((text = getenv("FAULT_TARGET"))) {
        snprintf(target_text, sizeof target_text, "%s", text);
        for (char *part = strtok_r(target_text, ":", &rest); part && target_count < 64; part = strtok_r(NULL, ":", &rest))
            targets[target_count++] = part;
    }
    if ((text = getenv("FAULT_SEED"))) chance_state = atoi(text) * 2654435761u + 1;
    if ((text = getenv("FAULT_TIME"))) fixed_time = atol(text);
    if ((text = getenv("FAULT_OLD"))) old_contents = real_openat(AT_FDCWD, text, O_RDONLY | O_CLOEXEC);
    inside = 1;
    if ((text = getenv("FAULT_LOG"))) log_file = fopen(text, "we");
    if ((text = getenv("FAULT_DATA"))) data_file = fopen(text, "we");
    inside = 0;
    if ((text = getenv("FAULT_PLAN"))) {
        char *copy = strdup(text);
        rest = NULL;
        for (char *part = strtok_r(copy, ";", &rest); part; part = strtok_r(NULL, ";", &rest)) add_rule(part);
        free(copy);
    }
}
__attribute__((constructor)) static void start(void) { begin(); }
// How often each call was made: a campaign draws the moments of its faults from these.
__attribute__((destructor)) static void end(void) {
    inside = 1;
    for (int op = 0; op < OPS && log_file; op++) fprintf(log_file, "COUNT %s %ld\n", names[op], counts[op]);
    if (log_file) fflush(log_file);
}

// --- what a call is about

static int matches(const char *path) {
    for (int i = 0; i < target_count; i++) {
        size_t length = strlen(targets[i]);
        int all = length && targets[i][length - 1] == '*';
        if (all ? !strncmp(path, targets[i], length - 1) : !strcmp(path, targets[i])) return 1;
    }
    return 0;
}

static int path_of(int fd, char path[PATH_MAX]) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, PATH_MAX - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return 1;
}

// The absolute path of NAME in the directory FD, links not followed at its end.
static void full_path(int fd, const char *name, char path[PATH_MAX]) {
    char directory[PATH_MAX];
    if (*name == '/') snprintf(path, PATH_MAX, "%s", name);
    else if (fd == AT_FDCWD && getcwd(directory, sizeof directory)) snprintf(path, PATH_MAX, "%.2000s/%.2000s", directory, name);
    else if (path_of(fd, directory)) snprintf(path, PATH_MAX, "%.2000s/%.2000s", directory, name);
    else snprintf(path, PATH_MAX, "%s", name);
}

static void note(int fd) {
    char path[PATH_MAX];
    if (fd >= 0 && fd < (int)sizeof is_target) is_target[fd] = path_of(fd, path) && matches(path);
}
static int ours(int fd) { return fd >= 0 && fd < (int)sizeof is_target && is_target[fd]; }

static unsigned long inode(int fd) {
    struct stat status;
    return fstat(fd, &status) ? 0 : status.st_ino;
}
static unsigned long inode_of(const char *path) {
    struct stat status;
    return lstat(path, &status) ? 0 : status.st_ino;
}
static unsigned long parent_of(const char *path) {
    char parent[PATH_MAX];
    snprintf(parent, sizeof parent, "%s", path);
    char *slash = strrchr(parent, '/');
    if (slash) *(slash == parent ? slash + 1 : slash) = 0;
    return inode_of(parent);
}
static const char *name_of(const char *path) { return strrchr(path, '/') ? strrchr(path, '/') + 1 : path; }

// --- the record; the caller holds the lock

#define RECORD(...) \
    do { \
        if (log_file) { \
            int saved = errno; \
            inside++; \
            fprintf(log_file, __VA_ARGS__); \
            fflush(log_file); \
            inside--; \
            errno = saved; \
        } \
    } while (0)

static void record_bytes(const void *bytes, ssize_t count) {
    if (!data_file || count <= 0) return;
    int saved = errno;
    inside++;
    fwrite(bytes, 1, count, data_file);
    fflush(data_file);
    inside--;
    errno = saved;
}

// --- the rules

static int hits(struct rule *rule, enum op op, long offset, long length) {
    if (rule->op != op && rule->op != CALL && (rule->op != ANY || op == CALL)) return 0;
    if (rule->beyond >= 0) return offset >= 0 && offset + length > rule->beyond;
    if (rule->chance) {
        chance_state = chance_state * 1103515245u + 12345u;
        return (chance_state >> 16) % 1000 < (unsigned)rule->chance;
    }
    long count = counts[rule->op == CALL ? CALL : rule->op == ANY ? ANY : op];
    return count == rule->from || (rule->stays && count > rule->from);
}

// The rule for this call, or NULL. Counts the call. OP is CALL for one that is not about the target.
static struct rule *decide(enum op op, long offset, long length) {
    pthread_mutex_lock(&lock);
    counts[CALL]++;
    if (op != CALL) counts[ANY]++, counts[op]++;
    struct rule *hit = NULL;
    for (int i = 0; i < rule_count && !hit; i++)
        if (hits(&rules[i], op, offset, length)) hit = &rules[i];
    // What is not about the target is only a moment.
    if (hit && op == CALL && strcmp(hit->action, "sig") && strcmp(hit->action, "twice") && strcmp(hit->action, "kill")) hit = NULL;
    if (hit) {
        if (hit->seen++ < 50) RECORD("FIRED %s %s %ld %ld %ld\n", names[op], hit->action, counts[op], offset, length);
        if (!strcmp(hit->action, "gone")) gone = hit->number ? (int)hit->number : ENXIO;
    }
    pthread_mutex_unlock(&lock);
    return hit;
}

static int is(const struct rule *rule, const char *action) { return rule && !strcmp(rule->action, action); }

static void die(void) {
    kill(getpid(), SIGKILL);
    for (;;) pause();
}

static void disturb(const struct rule *rule) {
    int saved = errno;
    if (is(rule, "kill")) die();
    if (is(rule, "sig") || is(rule, "twice")) kill(getpid(), rule->number);
    // As timeout(1) does, and a terminal that is closed.
    if (is(rule, "twice")) usleep(20000), kill(getpid(), rule->number);
    errno = saved;
}

// True if the call fails, with errno set.
static int fails(const struct rule *rule) {
    if (gone) return errno = gone, 1;
    disturb(rule);
    if (rule && rule->error) return errno = rule->error, 1;
    return 0;
}

// A call that is not about the target: a moment for a signal.
static void moment(void) {
    if (!inside) disturb(decide(CALL, -1, 0));
}

static size_t limited(const struct rule *rule, size_t count) {
    return (size_t)rule->number < count ? (size_t)rule->number : count;
}

static void flip(void *bytes, size_t count, long bit) {
    if (!count) return;
    bit %= (long)count * 8;
    ((unsigned char *)bytes)[bit / 8] ^= 1 << bit % 8;
}

// Direct I/O wants an aligned buffer.
static void *copied(const void *bytes, size_t count) {
    void *copy = aligned_alloc(4096, (count + 4095) / 4096 * 4096 + 4096);
    if (copy && bytes) memcpy(copy, bytes, count);
    else if (copy) memset(copy, 0, count);
    return copy;
}

// Writes or reads a medium that may be smaller than it says.
static ssize_t transfer(int fd, void *bytes, size_t count, off_t offset, int writes) {
    size_t done = 0;
    if (!wrap_size || offset + (off_t)count <= wrap_size)
        return writes ? real_pwrite(fd, bytes, count, offset) : real_pread(fd, bytes, count, offset);
    while (done < count) {
        off_t place = (offset + (off_t)done) % wrap_size;
        size_t part = count - done;
        if (place + (off_t)part > wrap_size) part = wrap_size - place;
        ssize_t moved = writes ? real_pwrite(fd, (char *)bytes + done, part, place)
                               : real_pread(fd, (char *)bytes + done, part, place);
        if (moved <= 0) return moved;
        done += moved;
    }
    return count;
}

// Somebody else writes to the file: a byte of its second half changes.
static void change(int fd) {
    struct stat status;
    char path[PATH_MAX];
    if (fstat(fd, &status) || status.st_size < 2 || !path_of(fd, path)) return;
    int other = real_openat(AT_FDCWD, path, O_RDWR | O_CLOEXEC);
    if (other < 0) return;
    unsigned char byte = 0;
    if (real_pread(other, &byte, 1, status.st_size * 3 / 4) == 1) {
        byte ^= 0x10;
        if (real_pwrite(other, &byte, 1, status.st_size * 3 / 4) != 1) dprintf(2, "faults: the file cannot be changed\n");
    }
    real_close(other);
}

static ssize_t written(int fd, const void *bytes, size_t count, off_t offset, struct rule *rule) {
    int positioned = offset >= 0;
    void *copy = NULL;
    const void *source = bytes;
    if (is(rule, "flip") || is(rule, "zero")) {
        copy = copied(is(rule, "zero") ? NULL : bytes, count);
        if (is(rule, "flip")) flip(copy, count, rule->number);
        source = copy;
    }
    if (is(rule, "torn") || is(rule, "short")) count = limited(rule, count);
    pthread_mutex_lock(&lock);
    ssize_t result = !count ? 0
        : positioned ? transfer(fd, (void *)source, count, offset, 1) : real_write(fd, source, count);
    if (is(rule, "torn")) die();
    off_t place = positioned ? offset : lseek(fd, 0, SEEK_CUR) - (result > 0 ? result : 0);
    char path[PATH_MAX] = "";
    if (log_file) path_of(fd, path);
    RECORD("W %lu %ld %zd %s\n", log_file ? inode(fd) : 0, (long)place, result, path);
    record_bytes(source, result);
    pthread_mutex_unlock(&lock);
    free(copy);
    return result;
}

ssize_t pwrite(int fd, const void *bytes, size_t count, off_t offset) {
    begin();
    if (inside || !ours(fd)) return moment(), real_pwrite(fd, bytes, count, offset);
    struct rule *rule = decide(PWRITE, offset, count);
    if (fails(rule)) return -1;
    return is(rule, "drop") ? (ssize_t)count : written(fd, bytes, count, offset, rule);
}
ssize_t write(int fd, const void *bytes, size_t count) {
    begin();
    if (inside || !ours(fd)) return moment(), real_write(fd, bytes, count);
    struct rule *rule = decide(WRITE, -1, count);
    if (fails(rule)) return -1;
    return is(rule, "drop") ? (ssize_t)count : written(fd, bytes, count, -1, rule);
}

static ssize_t received(int fd, void *bytes, size_t count, off_t offset, struct rule *rule) {
    if (is(rule, "change")) change(fd);
    if (is(rule, "short")) count = limited(rule, count);
    if (is(rule, "drop")) return count; // It says that it has read, and has filled nothing.
    if (is(rule, "stale") && old_contents >= 0 && offset >= 0) return real_pread(old_contents, bytes, count, offset);
    ssize_t result = !count ? 0 : offset >= 0 ? transfer(fd, bytes, count, offset, 0) : real_read(fd, bytes, count);
    if (is(rule, "zero") && result > 0) memset(bytes, 0, result);
    if (is(rule, "flip") && result > 0) flip(bytes, result, rule->number);
    return result;
}
ssize_t pread(int fd, void *bytes, size_t count, off_t offset) {
    begin();
    if (inside || !ours(fd)) return moment(), real_pread(fd, bytes, count, offset);
    struct rule *rule = decide(PREAD, offset, count);
    return fails(rule) ? -1 : received(fd, bytes, count, offset, rule);
}
ssize_t read(int fd, void *bytes, size_t count) {
    begin();
    if (inside || !ours(fd)) return moment(), real_read(fd, bytes, count);
    struct rule *rule = decide(READ, -1, count);
    return fails(rule) ? -1 : received(fd, bytes, count, -1, rule);
}
ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t offset) { return pwrite(fd, bytes, count, offset); }
ssize_t pread64(int fd, void *bytes, size_t count, off64_t offset) { return pread(fd, bytes, count, offset); }

int fsync(int fd) {
    begin();
    if (inside || !ours(fd)) return moment(), real_fsync(fd);
    struct rule *rule = decide(FSYNC, -1, 0);
    if (fails(rule)) return -1;
    if (is(rule, "lie")) return 0;
    pthread_mutex_lock(&lock);
    int result = real_fsync(fd);
    char path[PATH_MAX] = "";
    if (log_file) path_of(fd, path);
    if (!result) RECORD("F %lu %s\n", log_file ? inode(fd) : 0, path);
    pthread_mutex_unlock(&lock);
    return result;
}
int fdatasync(int fd) { return fsync(fd); }

int ioctl(int fd, unsigned long request, ...) {
    begin();
    va_list list;
    va_start(list, request);
    void *argument = va_arg(list, void *);
    va_end(list);
    enum op op = request == BLKFLSBUF ? FLUSH : request == BLKRRPART ? RRPART : request == BLKZEROOUT ? ZEROOUT
        : request == BLKGETSIZE64 ? SIZE : OPS;
    if (inside || op == OPS || !ours(fd)) return moment(), real_ioctl(fd, request, argument);
    uint64_t *range = argument;
    long offset = op == ZEROOUT ? (long)range[0] : -1, length = op == ZEROOUT ? (long)range[1] : 0;
    struct rule *rule = decide(op, offset, length);
    // A device without a medium has no size, and says so.
    if (gone && op == SIZE) return *range = 0, 0;
    if (fails(rule)) return -1;
    if (is(rule, "lie") || is(rule, "drop")) return 0;
    pthread_mutex_lock(&lock);
    int result = real_ioctl(fd, request, argument);
    char path[PATH_MAX] = "";
    if (log_file) path_of(fd, path);
    if (!result && op == ZEROOUT) RECORD("Z %lu %ld %ld %s\n", inode(fd), offset, length, path);
    pthread_mutex_unlock(&lock);
    return result;
}

int ftruncate(int fd, off_t size) {
    begin();
    if (inside || !ours(fd)) return moment(), real_ftruncate(fd, size);
    struct rule *rule = decide(TRUNCATE, -1, size);
    if (fails(rule)) return -1;
    pthread_mutex_lock(&lock);
    int result = real_ftruncate(fd, size);
    if (!result) RECORD("T %lu %ld\n", inode(fd), (long)size);
    pthread_mutex_unlock(&lock);
    return result;
}
int ftruncate64(int fd, off64_t size) { return ftruncate(fd, size); }

int fallocate(int fd, int mode, off_t offset, off_t length) {
    begin();
    if (inside || !ours(fd)) return moment(), real_fallocate(fd, mode, offset, length);
    struct rule *rule = decide(PUNCH, offset, length);
    if (fails(rule)) return -1;
    if (is(rule, "drop")) return 0;
    pthread_mutex_lock(&lock);
    int result = real_fallocate(fd, mode, offset, length);
    if (!result) RECORD("Z %lu %ld %ld -\n", inode(fd), (long)offset, (long)length);
    pthread_mutex_unlock(&lock);
    return result;
}
int fallocate64(int fd, int mode, off64_t offset, off64_t length) { return fallocate(fd, mode, offset, length); }

// --- names

static int opened(int directory, const char *name, int flags, mode_t mode) {
    begin();
    char path[PATH_MAX], real[PATH_MAX];
    if (inside || !name) return real_openat(directory, name, flags, mode);
    full_path(directory, name, path);
    if (!matches(path) && !(realpath(path, real) && matches(real))) {
        moment();
        int fd = real_openat(directory, name, flags, mode);
        note(fd);
        return fd;
    }
    struct rule *rule = decide(OPEN, -1, 0);
    if (fails(rule)) return -1;
    pthread_mutex_lock(&lock);
    int is_new = (flags & O_CREAT) && !inode_of(path);
    int fd = real_openat(directory, name, flags, mode);
    if (fd >= 0 && is_new) RECORD("C %lu %s %lu\n", parent_of(path), name_of(path), inode(fd));
    pthread_mutex_unlock(&lock);
    note(fd);
    return fd;
}
#define MODE(flags) \
    mode_t mode = 0; \
    if ((flags) & (O_CREAT | O_TMPFILE)) { \
        va_list list; \
        va_start(list, flags); \
        mode = va_arg(list, int); \
        va_end(list); \
    }
int open(const char *name, int flags, ...) { MODE(flags) return opened(AT_FDCWD, name, flags, mode); }
int open64(const char *name, int flags, ...) { MODE(flags) return opened(AT_FDCWD, name, flags, mode); }
int openat(int directory, const char *name, int flags, ...) { MODE(flags) return opened(directory, name, flags, mode); }
int openat64(int directory, const char *name, int flags, ...) { MODE(flags) return opened(directory, name, flags, mode); }

int close(int fd) {
    begin();
    if (fd >= 0 && fd < (int)sizeof is_target) is_target[fd] = 0;
    return real_close(fd);
}

int renameat(int from, const char *old, int to, const char *new) {
    begin();
    char source[PATH_MAX], place[PATH_MAX];
    full_path(from, old, source);
    full_path(to, new, place);
    if (inside || (!matches(source) && !matches(place))) return moment(), real_renameat(from, old, to, new);
    if (fails(decide(RENAME, -1, 0))) return -1;
    pthread_mutex_lock(&lock);
    unsigned long file = inode_of(source);
    int result = real_renameat(from, old, to, new);
    if (!result) RECORD("R %lu %s %lu %s %lu\n", parent_of(source), name_of(source), parent_of(place), name_of(place), file);
    pthread_mutex_unlock(&lock);
    return result;
}
int rename(const char *old, const char *new) { return renameat(AT_FDCWD, old, AT_FDCWD, new); }

int linkat(int from, const char *old, int to, const char *new, int flags) {
    begin();
    char source[PATH_MAX], place[PATH_MAX];
    full_path(from, old, source);
    full_path(to, new, place);
    if (inside || (!matches(source) && !matches(place))) return moment(), real_linkat(from, old, to, new, flags);
    if (fails(decide(LINK, -1, 0))) return -1;
    pthread_mutex_lock(&lock);
    int result = real_linkat(from, old, to, new, flags);
    if (!result) RECORD("L %lu %s %lu\n", parent_of(place), name_of(place), inode_of(place));
    pthread_mutex_unlock(&lock);
    return result;
}
int link(const char *old, const char *new) { return linkat(AT_FDCWD, old, AT_FDCWD, new, 0); }

int unlinkat(int directory, const char *name, int flags) {
    begin();
    char path[PATH_MAX];
    full_path(directory, name, path);
    if (inside || !matches(path)) return moment(), real_unlinkat(directory, name, flags);
    if (fails(decide(UNLINK, -1, 0))) return -1;
    pthread_mutex_lock(&lock);
    int result = real_unlinkat(directory, name, flags);
    if (!result) RECORD("U %lu %s\n", parent_of(path), name_of(path));
    pthread_mutex_unlock(&lock);
    return result;
}
int unlink(const char *name) { return unlinkat(AT_FDCWD, name, 0); }

int mkdirat(int directory, const char *name, mode_t mode) {
    begin();
    char path[PATH_MAX];
    full_path(directory, name, path);
    if (inside || !matches(path)) return moment(), real_mkdirat(directory, name, mode);
    if (fails(decide(MKDIR, -1, 0))) return -1;
    pthread_mutex_lock(&lock);
    int result = real_mkdirat(directory, name, mode);
    if (!result) RECORD("D %lu %s %lu\n", parent_of(path), name_of(path), inode_of(path));
    pthread_mutex_unlock(&lock);
    return result;
}
int mkdir(const char *name, mode_t mode) { return mkdirat(AT_FDCWD, name, mode); }

// --- the clock

int clock_gettime(clockid_t clock, struct timespec *time) {
    begin();
    int result = real_clock_gettime(clock, time);
    if (!result && clock == CLOCK_REALTIME && fixed_time >= 0) time->tv_sec = fixed_time, time->tv_nsec = 0;
    return result;
}
int gettimeofday(struct timeval *restrict time, void *restrict zone) {
    begin();
    int result = real_gettimeofday(time, zone);
    if (!result && fixed_time >= 0) time->tv_sec = fixed_time, time->tv_usec = 0;
    return result;
}
time_t time(time_t *place) {
    begin();
    if (fixed_time < 0) return real_time(place);
    if (place) *place = fixed_time;
    return fixed_time;
}

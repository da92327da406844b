/* The machine's clock, CLOCK_OFFSET_S seconds later, for every program that is started with this library in LD_PRELOAD
 * (`make test-at DAYS=70`). Linux with glibc.
 *
 * Shifted are the time of day, the times of files and the boot time: what the kernel takes from the same clock. The
 * monotonic clock is not, and deadlines that a program computes from the time of day are shifted back. libfaketime
 * leaves the times of files and the boot time as they are, so files would seem to be from another year. */

#define _GNU_SOURCE
#undef _FORTIFY_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
#include <utime.h>

#define REAL(name) static __typeof__(&name) real; if (!real) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

static long offset(void) {
    static long seconds;
    static int is_read;
    if (!is_read) {
        const char *text = getenv("CLOCK_OFFSET_S");
        seconds = text ? atol(text) : 0;
        is_read = 1;
    }
    return seconds;
}

static int is_time_of_day(clockid_t clock) {
    return clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE || clock == CLOCK_TAI;
}

/* The time of day. */

int clock_gettime(clockid_t clock, struct timespec *now) {
    static int (*real)(clockid_t, struct timespec *);
    if (!real) real = dlsym(RTLD_NEXT, "clock_gettime");
    int result = real ? real(clock, now) : syscall(SYS_clock_gettime, clock, now);
    if (!result && is_time_of_day(clock)) now->tv_sec += offset();
    return result;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    struct timespec time;
    clock_gettime(CLOCK_REALTIME, &time);
    now->tv_sec = time.tv_sec;
    now->tv_usec = time.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *now) {
    struct timespec time;
    clock_gettime(CLOCK_REALTIME_COARSE, &time);
    if (now) *now = time.tv_sec;
    return time.tv_sec;
}

int timespec_get(struct timespec *now, int base) {
    if (base != TIME_UTC) return 0;
    clock_gettime(CLOCK_REALTIME, now);
    return base;
}

/* Deadlines. One of the monotonic clock is an uptime, which is much smaller than a time of day. */

#define SHIFTED_BACK \
    struct timespec earlier; const struct timespec *deadline = at; \
    if (at->tv_sec > 1000000000L) { earlier = *at; earlier.tv_sec -= offset(); deadline = &earlier; }

int pthread_cond_timedwait(
    pthread_cond_t *restrict condition, pthread_mutex_t *restrict mutex, const struct timespec *restrict at) {
    static int (*real)(pthread_cond_t *, pthread_mutex_t *, const struct timespec *);
    if (!real) real = dlvsym(RTLD_NEXT, "pthread_cond_timedwait", "GLIBC_2.3.2");
    SHIFTED_BACK return real(condition, mutex, deadline);
}

int pthread_cond_clockwait(
    pthread_cond_t *restrict condition, pthread_mutex_t *restrict mutex, clockid_t clock,
    const struct timespec *restrict at) {
    REAL(pthread_cond_clockwait); SHIFTED_BACK return real(condition, mutex, clock, deadline);
}

int pthread_mutex_timedlock(pthread_mutex_t *restrict mutex, const struct timespec *restrict at) {
    REAL(pthread_mutex_timedlock); SHIFTED_BACK return real(mutex, deadline);
}

int pthread_mutex_clocklock(pthread_mutex_t *restrict mutex, clockid_t clock, const struct timespec *restrict at) {
    REAL(pthread_mutex_clocklock); SHIFTED_BACK return real(mutex, clock, deadline);
}

int pthread_rwlock_timedrdlock(pthread_rwlock_t *restrict lock, const struct timespec *restrict at) {
    REAL(pthread_rwlock_timedrdlock); SHIFTED_BACK return real(lock, deadline);
}

int pthread_rwlock_timedwrlock(pthread_rwlock_t *restrict lock, const struct timespec *restrict at) {
    REAL(pthread_rwlock_timedwrlock); SHIFTED_BACK return real(lock, deadline);
}

int sem_timedwait(sem_t *restrict semaphore, const struct timespec *restrict at) {
    REAL(sem_timedwait); SHIFTED_BACK return real(semaphore, deadline);
}

int sem_clockwait(sem_t *restrict semaphore, clockid_t clock, const struct timespec *restrict at) {
    REAL(sem_clockwait); SHIFTED_BACK return real(semaphore, clock, deadline);
}

int clock_nanosleep(clockid_t clock, int flags, const struct timespec *at, struct timespec *left) {
    REAL(clock_nanosleep);
    if (!(is_time_of_day(clock) && (flags & TIMER_ABSTIME))) return real(clock, flags, at, left);
    SHIFTED_BACK return real(clock, flags, deadline, left);
}

/* gRPC waits with a futex of its own, until a time of day. */
long syscall(long number, ...) {
    REAL(syscall);
    long a[6];
    va_list rest;
    va_start(rest, number);
    for (int i = 0; i < 6; i++) a[i] = va_arg(rest, long);
    va_end(rest);
    if (number != SYS_futex || !(a[1] & FUTEX_CLOCK_REALTIME) || !a[3]) {
        return real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
    }
    const struct timespec *at = (const struct timespec *)a[3];
    SHIFTED_BACK return real(number, a[0], a[1], a[2], deadline, a[4], a[5]);
}

/* The times of files. Python source keeps its own: otherwise every compiled module would be out of date. */

static int is_source(const char *path) {
    size_t length = path ? strlen(path) : 0;
    return length > 3 && !strcmp(path + length - 3, ".py");
}

#define SHIFT(s) (s)->st_atim.tv_sec += offset(), (s)->st_mtim.tv_sec += offset(), (s)->st_ctim.tv_sec += offset()

#define STAT_OF_PATH(name, type) \
    int name(const char *restrict path, struct type *restrict found) { \
        REAL(name); int result = real(path, found); \
        if (!result && !is_source(path)) SHIFT(found); \
        return result; }
STAT_OF_PATH(stat, stat)
STAT_OF_PATH(stat64, stat64)
STAT_OF_PATH(lstat, stat)
STAT_OF_PATH(lstat64, stat64)

#define STAT_OF_FILE(name, type) \
    int name(int file, struct type *found) { \
        REAL(name); int result = real(file, found); \
        if (!result) SHIFT(found); \
        return result; }
STAT_OF_FILE(fstat, stat)
STAT_OF_FILE(fstat64, stat64)

#define STAT_IN_FOLDER(name, type) \
    int name(int folder, const char *restrict path, struct type *restrict found, int flags) { \
        REAL(name); int result = real(folder, path, found, flags); \
        if (!result && !is_source(path)) SHIFT(found); \
        return result; }
STAT_IN_FOLDER(fstatat, stat)
STAT_IN_FOLDER(fstatat64, stat64)

int statx(int folder, const char *restrict path, int flags, unsigned mask, struct statx *restrict found) {
    REAL(statx);
    int result = real(folder, path, flags, mask, found);
    if (!result) {
        found->stx_atime.tv_sec += offset(); found->stx_mtime.tv_sec += offset();
        found->stx_ctime.tv_sec += offset(); found->stx_btime.tv_sec += offset();
    }
    return result;
}

static void shift_back(const struct timespec *times, struct timespec *earlier) {
    for (int i = 0; i < 2; i++) {
        earlier[i] = times[i];
        if (times[i].tv_nsec != UTIME_NOW && times[i].tv_nsec != UTIME_OMIT) earlier[i].tv_sec -= offset();
    }
}

int utimensat(int folder, const char *path, const struct timespec times[2], int flags) {
    REAL(utimensat);
    struct timespec earlier[2];
    if (times) shift_back(times, earlier);
    return real(folder, path, times ? earlier : times, flags);
}

int futimens(int file, const struct timespec times[2]) {
    REAL(futimens);
    struct timespec earlier[2];
    if (times) shift_back(times, earlier);
    return real(file, times ? earlier : times);
}

int utimes(const char *path, const struct timeval times[2]) {
    REAL(utimes);
    struct timeval earlier[2];
    if (times) for (int i = 0; i < 2; i++) { earlier[i] = times[i]; earlier[i].tv_sec -= offset(); }
    return real(path, times ? earlier : times);
}

int utime(const char *path, const struct utimbuf *times) {
    REAL(utime);
    struct utimbuf earlier;
    if (times) { earlier = *times; earlier.actime -= offset(); earlier.modtime -= offset(); }
    return real(path, times ? &earlier : times);
}

/* The boot time, from which psutil computes when a process was started: `btime` of /proc/stat. */

static int open_stat_of_machine(void) {
    static int (*real)(const char *, int, ...);
    if (!real) real = dlsym(RTLD_NEXT, "open64");
    int file = real("/proc/stat", O_RDONLY | O_CLOEXEC, 0);
    if (file < 0) return file;
    static const size_t most = 1 << 20;
    char *text = malloc(most);
    size_t length = 0;
    for (ssize_t count; (count = read(file, text + length, most - 1 - length)) > 0;) length += count;
    text[length] = 0;
    close(file);
    int shifted = memfd_create("stat", MFD_CLOEXEC);
    char *line = strstr(text, "\nbtime ");
    if (line) {
        dprintf(shifted, "%.*s\nbtime %ld%s", (int)(line - text), text, atol(line + 7) + offset(), strchr(line + 1, '\n'));
    } else {
        dprintf(shifted, "%s", text);
    }
    free(text);
    lseek(shifted, 0, SEEK_SET);
    return shifted;
}

#define OPEN(name) \
    int name(const char *path, int flags, ...) { \
        static int (*real)(const char *, int, ...); \
        if (!real) real = dlsym(RTLD_NEXT, #name); \
        va_list rest; va_start(rest, flags); int mode = va_arg(rest, int); va_end(rest); \
        if (offset() && !strcmp(path, "/proc/stat")) return open_stat_of_machine(); \
        return real(path, flags, mode); }
OPEN(open)
OPEN(open64)

/* A disk that fails on purpose. Preloaded into the program (LD_PRELOAD), it sees every call of the C library that touches a
 * file below one folder, writes each down, and does to the k-th of the chosen kinds what the environment says:
 *
 *   SHIM_FOLDER   the folder, absolute, without symbolic links
 *   SHIM_REPORT   where calls are written down: kind, path, second path, outcome; must lie outside the folder
 *   SHIM_PLAN     <what> <kinds> <k> <errno>
 *
 * What: `fail` (the call fails, once), `stay` (it and all that follow fail), `short` (half of the bytes are written), `kill`
 * (the process dies before the call), `killed` (after it), `term` (SIGTERM is raised before the call).
 * Kinds are letters: c create, o open to read, r read, w write, s sync, t truncate, n name (rename, link), u unlink, d make a
 * folder, m change the mode, l lock. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define LONGEST 4096

static char folder[LONGEST], what[16], kinds[32];
static long wanted, with_errno;
static int report = -1;
static atomic_long seen;

__attribute__((constructor)) static void begin(void) {
  const char *in = getenv("SHIM_FOLDER"), *to = getenv("SHIM_REPORT"), *plan = getenv("SHIM_PLAN");
  if (!in || !to || !plan || sscanf(plan, "%15s %31s %ld %ld", what, kinds, &wanted, &with_errno) != 4) {
    static const char text[] = "the disk shim is not told what to do\n";
    syscall(SYS_write, 2, text, sizeof text - 1);
    _exit(99);
  }
  snprintf(folder, sizeof folder, "%s", in);
  int low = syscall(SYS_openat, AT_FDCWD, to, O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0644);
  /* Out of the way of the program's own numbers. */
  report = low < 0 ? -1 : syscall(SYS_fcntl, low, F_DUPFD_CLOEXEC, 500);
  if (report < 0) _exit(98);
  syscall(SYS_close, low);
}

/* The path of an open file; what has no name any more keeps the one it had. */
static void of_file(int file, char *out) {
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", file);
  ssize_t length = syscall(SYS_readlinkat, AT_FDCWD, link, out, (size_t)(LONGEST - 1));
  out[length < 0 ? 0 : length] = 0;
}

static void absolute(int at, const char *path, char *out) {
  char base[LONGEST];
  if (path[0] == '/') {
    snprintf(out, LONGEST, "%s", path);
    return;
  }
  if (at == AT_FDCWD) {
    if (syscall(SYS_getcwd, base, sizeof base) < 0) base[0] = 0;
  } else {
    of_file(at, base);
  }
  if (snprintf(out, LONGEST, "%s/%s", base, path) >= LONGEST) out[0] = 0;
}

static int below(const char *path) {
  size_t length = strlen(folder);
  return report >= 0 && strncmp(path, folder, length) == 0 && (path[length] == '/' || path[length] == 0);
}

static void say(char kind, const char *path, const char *second, const char *outcome) {
  char line[2 * LONGEST + 64];
  int length = snprintf(line, sizeof line, "%c\t%s\t%s\t%s\n", kind, path, second, outcome);
  if (length > 0) syscall(SYS_write, report, line, (size_t)length);
}

enum verdict { UNSEEN, PLAIN, FAIL, SHORT, DIE_AFTER };

static enum verdict judge(char kind, const char *path, const char *second) {
  if (!below(path) && !(second[0] && below(second))) return UNSEEN;
  if (!strchr(kinds, kind)) return PLAIN;
  long number = atomic_fetch_add(&seen, 1) + 1;
  int stays = strcmp(what, "stay") == 0;
  if (stays ? number < wanted : number != wanted) return PLAIN;
  if (strcmp(what, "count") == 0) return PLAIN;
  if (stays || strcmp(what, "fail") == 0) {
    say(kind, path, second, "FAULT");
    return FAIL;
  }
  if (strcmp(what, "short") == 0) return SHORT;
  if (strcmp(what, "killed") == 0) return DIE_AFTER;
  say(kind, path, second, "FAULT");
  syscall(SYS_kill, getpid(), strcmp(what, "kill") == 0 ? SIGKILL : SIGTERM);
  return PLAIN;
}

static void made(enum verdict verdict, char kind, const char *path, const char *second, int failed) {
  int saved = errno;
  char outcome[16] = "ok";
  if (failed) snprintf(outcome, sizeof outcome, "e%d", saved);
  if (verdict == SHORT || verdict == DIE_AFTER) snprintf(outcome, sizeof outcome, "FAULT");
  say(kind, path, second, outcome);
  if (verdict == DIE_AFTER) syscall(SYS_kill, getpid(), SIGKILL);
  errno = saved;
}

/* The next function of the same name. */
#define REAL(name)                                           \
  static __typeof__(name) *real;                             \
  if (!real) real = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)

/* One call whose kind and paths are known. */
#define CALL(kind, path, second, call)                                 \
  do {                                                                 \
    enum verdict verdict = judge(kind, path, second);                  \
    if (verdict == FAIL) { errno = (int)with_errno; return -1; }       \
    __typeof__(call) result = call;                                    \
    if (verdict != UNSEEN) made(verdict, kind, path, second, result < 0); \
    return result;                                                     \
  } while (0)

static char kind_of_open(int flags) {
  return flags & (O_CREAT | O_TRUNC) || (flags & O_TMPFILE) == O_TMPFILE ? 'c' : 'o';
}

#define MODE(flags, mode)                                        \
  mode_t mode = 0;                                               \
  if ((flags) & O_CREAT || ((flags) & O_TMPFILE) == O_TMPFILE) { \
    va_list rest;                                                \
    va_start(rest, flags);                                       \
    mode = va_arg(rest, mode_t);                                 \
    va_end(rest);                                                \
  }

#define OPEN(name)                                             \
  int name(const char *path, int flags, ...) {                 \
    MODE(flags, mode)                                          \
    REAL(name);                                                \
    char full[LONGEST];                                        \
    absolute(AT_FDCWD, path, full);                            \
    CALL(kind_of_open(flags), full, "", real(path, flags, mode)); \
  }
OPEN(open)
OPEN(open64)

#define OPENAT(name)                                               \
  int name(int at, const char *path, int flags, ...) {             \
    MODE(flags, mode)                                              \
    REAL(name);                                                    \
    char full[LONGEST];                                            \
    absolute(at, path, full);                                      \
    CALL(kind_of_open(flags), full, "", real(at, path, flags, mode)); \
  }
OPENAT(openat)
OPENAT(openat64)

#define ON_FILE(kind, result, name, parameters, file, arguments) \
  result name parameters {                                       \
    REAL(name);                                                  \
    char path[LONGEST];                                          \
    of_file(file, path);                                         \
    CALL(kind, path, "", real arguments);                        \
  }
ON_FILE('r', ssize_t, read, (int file, void *to, size_t length), file, (file, to, length))
ON_FILE('r', ssize_t, pread, (int file, void *to, size_t length, off_t at), file, (file, to, length, at))
ON_FILE('r', ssize_t, pread64, (int file, void *to, size_t length, off64_t at), file, (file, to, length, at))
ON_FILE('r', ssize_t, readv, (int file, const struct iovec *to, int parts), file, (file, to, parts))
ON_FILE('w', ssize_t, writev, (int file, const struct iovec *from, int parts), file, (file, from, verdict == SHORT ? 1 : parts))
/* No test cuts the power, so nothing is really synced: that is what makes thousands of runs quick. */
#define ON_SYNC(name)                       \
  int name(int file) {                      \
    REAL(name);                             \
    char path[LONGEST];                     \
    of_file(file, path);                    \
    CALL('s', path, "", below(path) ? 0 : real(file)); \
  }
ON_SYNC(fsync)
ON_SYNC(fdatasync)
ON_SYNC(syncfs)
ON_FILE('t', int, ftruncate, (int file, off_t length), file, (file, length))
ON_FILE('t', int, ftruncate64, (int file, off64_t length), file, (file, length))
ON_FILE('m', int, fchmod, (int file, mode_t mode), file, (file, mode))
ON_FILE('l', int, flock, (int file, int how), file, (file, how))
/* A half-written page or line: the shorter length is what the call is given. */
#define HALF(length) (verdict == SHORT && (length) > 1 ? (length) / 2 : (length))
ON_FILE('w', ssize_t, write, (int file, const void *from, size_t length), file, (file, from, HALF(length)))
ON_FILE('w', ssize_t, pwrite, (int file, const void *from, size_t length, off_t at), file, (file, from, HALF(length), at))
ON_FILE('w', ssize_t, pwrite64, (int file, const void *from, size_t length, off64_t at), file, (file, from, HALF(length), at))
ON_FILE('w', ssize_t, sendfile64, (int file, int from, off64_t *at, size_t length), file, (file, from, at, HALF(length)))
ON_FILE('w', ssize_t, copy_file_range,
        (int from, off64_t *read_at, int file, off64_t *at, size_t length, unsigned flags), file,
        (from, read_at, file, at, HALF(length), flags))

/* These give their error back. */
#define ALLOCATE(name, offset)                           \
  int name(int file, offset at, offset length) {         \
    REAL(name);                                          \
    char path[LONGEST];                                  \
    of_file(file, path);                                 \
    enum verdict verdict = judge('w', path, "");         \
    if (verdict == FAIL) return (int)with_errno;         \
    int result = real(file, at, length);                 \
    if (verdict != UNSEEN) made(verdict, 'w', path, "", result != 0); \
    return result;                                       \
  }
ALLOCATE(posix_fallocate, off_t)
ALLOCATE(posix_fallocate64, off64_t)
ON_FILE('w', int, fallocate, (int file, int how, off_t at, off_t length), file, (file, how, at, length))
ON_FILE('w', int, fallocate64, (int file, int how, off64_t at, off64_t length), file, (file, how, at, length))

#define ON_PATH(kind, name, parameters, at, path, arguments) \
  int name parameters {                                      \
    REAL(name);                                              \
    char full[LONGEST];                                      \
    absolute(at, path, full);                                \
    CALL(kind, full, "", real arguments);                    \
  }
ON_PATH('d', mkdir, (const char *path, mode_t mode), AT_FDCWD, path, (path, mode))
ON_PATH('d', mkdirat, (int at, const char *path, mode_t mode), at, path, (at, path, mode))
ON_PATH('u', unlink, (const char *path), AT_FDCWD, path, (path))
ON_PATH('u', rmdir, (const char *path), AT_FDCWD, path, (path))
ON_PATH('u', unlinkat, (int at, const char *path, int flags), at, path, (at, path, flags))
ON_PATH('m', chmod, (const char *path, mode_t mode), AT_FDCWD, path, (path, mode))

#define ON_TWO_PATHS(name, parameters, from_at, from, to_at, to, arguments) \
  int name parameters {                                                    \
    REAL(name);                                                            \
    char first[LONGEST], second[LONGEST];                                  \
    absolute(from_at, from, first);                                        \
    absolute(to_at, to, second);                                           \
    CALL('n', first, second, real arguments);                              \
  }
ON_TWO_PATHS(rename, (const char *from, const char *to), AT_FDCWD, from, AT_FDCWD, to, (from, to))
ON_TWO_PATHS(renameat, (int from_at, const char *from, int to_at, const char *to), from_at, from, to_at, to,
             (from_at, from, to_at, to))
ON_TWO_PATHS(renameat2, (int from_at, const char *from, int to_at, const char *to, unsigned flags), from_at, from,
             to_at, to, (from_at, from, to_at, to, flags))
ON_TWO_PATHS(link, (const char *from, const char *to), AT_FDCWD, from, AT_FDCWD, to, (from, to))
ON_TWO_PATHS(linkat, (int from_at, const char *from, int to_at, const char *to, int flags), from_at, from, to_at, to,
             (from_at, from, to_at, to, flags))

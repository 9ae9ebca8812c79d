/* SPDX-License-Identifier: BSD-2-Clause */
#include "fetch/confine.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#define MEBIBYTE    (1024UL * 1024UL)
#define DATA_MAX    (64 * MEBIBYTE)
#define PROCESSOR_S 20
#define DESCRIPTORS 64

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED
#endif
#endif

/* --- resources ---------------------------------------------------------------------- */

/* Over is how much more there is until the kernel asks no more: SIGXCPU comes before
 * SIGKILL, which would tell of a machine that lacks memory. */
static void
limit(int what, rlim_t most, rlim_t over)
{
	const struct rlimit limits = {most, most + over};

	setrlimit(what, &limits);
}

void
confine_resources(void)
{
#ifdef SYS_close_range
	syscall(SYS_close_range, 3U, ~0U, 0U);
#endif
	limit(RLIMIT_CORE, 0, 0);
	limit(RLIMIT_CPU, PROCESSOR_S, 1);
	limit(RLIMIT_NOFILE, DESCRIPTORS, 0);
#ifndef SANITIZED /* a sanitizer's shadow is larger */
	limit(RLIMIT_DATA, DATA_MAX, 0);
#endif
}

void
confine_time(uint32_t ms)
{
	const struct itimerval timer = {
	    .it_value = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000}};

	setitimer(ITIMER_REAL, &timer, NULL);
}

/* --- Landlock ----------------------------------------------------------------------- */

/* Of linux/landlock.h as Linux 6.12 has it; what a kernel knows it is asked for. */
#define LANDLOCK_CREATE  444
#define LANDLOCK_ADD     445
#define LANDLOCK_SELF    446
#define LANDLOCK_VERSION 1U /* the flag that asks for it */
#define LANDLOCK_PORT    2  /* a rule about ports */

#define FS_FIRST    ((UINT64_C(1) << 13) - 1) /* all of version 1 */
#define FS_REFER    (UINT64_C(1) << 13)       /* 2 */
#define FS_TRUNCATE (UINT64_C(1) << 14)       /* 3 */
#define FS_IOCTL    (UINT64_C(1) << 15)       /* 5 */
#define NET_BIND    (UINT64_C(1) << 0)        /* 4 */
#define NET_CONNECT (UINT64_C(1) << 1)        /* 4 */
#define SCOPE_ALL   UINT64_C(3)               /* 6: abstract sockets, signals */

struct landlock_set {
	uint64_t fs, net, scoped;
};

struct landlock_port {
	uint64_t allowed, port;
};

static bool
landlock(uint16_t port)
{
	long version = syscall(LANDLOCK_CREATE, NULL, 0, LANDLOCK_VERSION);
	struct landlock_set set = {.fs = FS_FIRST};
	const struct landlock_port rule = {NET_CONNECT, port};
	size_t size = sizeof(set.fs);
	bool done;
	int fd;

	if (version < 1)
		return false;
	set.fs |= (version >= 2 ? FS_REFER : 0) | (version >= 3 ? FS_TRUNCATE : 0) |
	    (version >= 5 ? FS_IOCTL : 0);
	if (version >= 4) {
		set.net = NET_BIND | NET_CONNECT;
		size = offsetof(struct landlock_set, scoped);
	}
	if (version >= 6) {
		set.scoped = SCOPE_ALL;
		size = sizeof(set);
	}
	fd = (int)syscall(LANDLOCK_CREATE, &set, size, 0U);
	if (fd < 0)
		return false;
	done =
	    (version < 4 || syscall(LANDLOCK_ADD, fd, LANDLOCK_PORT, &rule, 0U) == 0) &&
	    syscall(LANDLOCK_SELF, fd, 0U) == 0;
	close(fd);
	return done;
}

/* --- seccomp ------------------------------------------------------------------------ */

#if defined(__x86_64__)
#define MACHINE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define MACHINE AUDIT_ARCH_AARCH64
#elif defined(__riscv) && __riscv_xlen == 64
#define MACHINE AUDIT_ARCH_RISCV64
#elif defined(__powerpc64__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define MACHINE AUDIT_ARCH_PPC64LE
#endif

#ifdef MACHINE
/* What libcurl and OpenSSL need once they have begun. A machine has not all of them. */
static const unsigned calls[] = {
    /* the connection; those further down, too, but not of every kind */
    SYS_connect,
    SYS_getsockopt,
    SYS_setsockopt,
    SYS_getsockname,
    SYS_getpeername,
    SYS_recvfrom,
    SYS_shutdown,
    SYS_read,
    SYS_write,
    SYS_close,
    SYS_ppoll,
    SYS_pselect6,
    /* how libcurl wakes itself */
    SYS_socketpair,
    SYS_pipe2,
    SYS_eventfd2,
    /* memory */
    SYS_brk,
    SYS_munmap,
    SYS_mremap,
    SYS_madvise,
    /* time and chance */
    SYS_clock_gettime,
    SYS_clock_nanosleep,
    SYS_gettimeofday,
    SYS_getrandom,
    /* oneself */
    SYS_futex,
    SYS_getpid,
    SYS_gettid,
    SYS_rt_sigaction,
    SYS_rt_sigprocmask,
    SYS_rt_sigreturn,
    SYS_sigaltstack,
    SYS_restart_syscall,
    SYS_sched_yield,
    SYS_exit,
    SYS_exit_group,
#ifdef SYS_poll
    SYS_poll,
#endif
#ifdef SYS_select
    SYS_select,
#endif
#ifdef SYS_time
    SYS_time,
#endif
};

#define INSTRUCTIONS_MAX 256
#define SOCKET_TYPES     0xf /* the others of its bits are flags */

struct filter {
	struct sock_filter list[INSTRUCTIONS_MAX];
	unsigned short count;
};

static void
add(struct filter *filter, struct sock_filter instruction)
{
	assert(filter->count < INSTRUCTIONS_MAX);
	filter->list[filter->count++] = instruction;
}

#define STATEMENT(code, value) ((struct sock_filter)BPF_STMT(code, value))
#define JUMP(how, value, yes, no) \
	((struct sock_filter)BPF_JUMP(BPF_JMP | (how) | BPF_K, value, yes, no))
#define LOAD(field) \
	STATEMENT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define ALLOW  STATEMENT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)
#define REFUSE STATEMENT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM)

/* The low half of an argument, of which no more is looked at: little-endian machines. */
static void
load_argument(struct filter *filter, unsigned n)
{
	size_t at = offsetof(struct seccomp_data, args) + n * sizeof(uint64_t);

	add(filter, STATEMENT(BPF_LD | BPF_W | BPF_ABS, (unsigned)at));
}

/* The call, if its argument n is one of count values. */
static void
allow_values(struct filter *filter, unsigned call, unsigned n, const unsigned *values,
    unsigned count)
{
	add(filter, JUMP(BPF_JEQ, call, 0, (unsigned char)(count + 3)));
	load_argument(filter, n);
	for (unsigned i = 0; i < count; i++)
		add(filter, JUMP(BPF_JEQ, values[i], (unsigned char)(count - i), 0));
	add(filter, REFUSE);
	add(filter, ALLOW);
}

/* The call, if its argument n has none of these bits. */
static void
allow_without(struct filter *filter, unsigned call, unsigned n, unsigned bits)
{
	add(filter, JUMP(BPF_JEQ, call, 0, 4));
	load_argument(filter, n);
	add(filter, JUMP(BPF_JSET, bits, 1, 0));
	add(filter, ALLOW);
	add(filter, REFUSE);
}

/* TCP, by IPv4 or IPv6. */
static void
allow_sockets(struct filter *filter)
{
	add(filter, JUMP(BPF_JEQ, SYS_socket, 0, 8));
	load_argument(filter, 0);
	add(filter, JUMP(BPF_JEQ, AF_INET, 1, 0));
	add(filter, JUMP(BPF_JEQ, AF_INET6, 0, 4));
	load_argument(filter, 1);
	add(filter, STATEMENT(BPF_ALU | BPF_AND | BPF_K, SOCKET_TYPES));
	add(filter, JUMP(BPF_JEQ, SOCK_STREAM, 0, 1));
	add(filter, ALLOW);
	add(filter, REFUSE);
}

static bool
seccomp(void)
{
	static const unsigned requests[] = {FIONBIO, FIONREAD};
	static const unsigned commands[] = {F_GETFD, F_SETFD, F_GETFL, F_SETFL};
	struct filter filter = {.count = 0};
	struct sock_fprog program = {.filter = filter.list};

	add(&filter, LOAD(arch));
	add(&filter, JUMP(BPF_JEQ, MACHINE, 1, 0));
	add(&filter, STATEMENT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS));
	add(&filter, LOAD(nr));
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		add(&filter, JUMP(BPF_JEQ, calls[i], 0, 1));
		add(&filter, ALLOW);
	}
	allow_sockets(&filter);
	/* Data with the first packet would connect without connect(2). */
	allow_without(&filter, SYS_sendto, 3, MSG_FASTOPEN);
	allow_without(&filter, SYS_mmap, 2, PROT_EXEC);
	allow_without(&filter, SYS_mprotect, 2, PROT_EXEC);
	allow_values(&filter, SYS_ioctl, 1, requests, 2);
	allow_values(&filter, SYS_fcntl, 1, commands, 4);
	add(&filter, REFUSE);
	program.len = filter.count;
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}
#else
static bool
seccomp(void)
{
	return false;
}
#endif

/* --- both --------------------------------------------------------------------------- */

void
confine(uint16_t port, struct buf *by)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return;
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	if (landlock(port))
		buf_add_str(by, STR("landlock"));
	if (seccomp())
		buf_printf(by, "%sseccomp", by->len > 0 ? " " : "");
}

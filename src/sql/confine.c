/* SPDX-License-Identifier: BSD-2-Clause */
#include "sql/confine.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MEBIBYTE    (1024UL * 1024UL)
#define ADDRESS_MAX (256 * MEBIBYTE) /* libpq maps 25 libraries */
#define DATA_MAX    (64 * MEBIBYTE)
#define PROCESSOR_S 10
#define DESCRIPTORS 64

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED
#endif
#endif

/* --- resources ---------------------------------------------------------------------- */

static void
limit(int what, rlim_t most)
{
	const struct rlimit limits = {most, most};

	setrlimit(what, &limits);
}

void
confine_resources(void)
{
#ifdef SYS_close_range
	syscall(SYS_close_range, 3U, ~0U, 0U);
#endif
	limit(RLIMIT_CORE, 0);
	limit(RLIMIT_CPU, PROCESSOR_S);
	limit(RLIMIT_NOFILE, DESCRIPTORS);
#ifndef SANITIZED /* a sanitizer's shadow is larger */
	limit(RLIMIT_AS, ADDRESS_MAX);
	limit(RLIMIT_DATA, DATA_MAX);
#endif
}

void
confine_time(unsigned seconds)
{
	alarm(seconds);
}

/* --- Landlock ----------------------------------------------------------------------- */

/* Of linux/landlock.h as Linux 6.7 has it; what a kernel knows it is asked for. Reading
 * stays: the libraries read certificates, names of hosts and plugins of theirs. */
#define LANDLOCK_CREATE  444
#define LANDLOCK_SELF    446
#define LANDLOCK_VERSION 1U /* the flag that asks for it */

#define FS_EXECUTE  (UINT64_C(1) << 0)
#define FS_WRITE    (UINT64_C(1) << 1)
#define FS_CHANGE   (UINT64_C(0x1ff) << 4) /* remove and make, of all kinds */
#define FS_REFER    (UINT64_C(1) << 13)    /* 2 */
#define FS_TRUNCATE (UINT64_C(1) << 14)    /* 3 */
#define NET_BIND    (UINT64_C(1) << 0)     /* 4 */

struct landlock_set {
	uint64_t fs, net;
};

static void
landlock(void)
{
	long version = syscall(LANDLOCK_CREATE, NULL, 0, LANDLOCK_VERSION);
	struct landlock_set set = {.fs = FS_EXECUTE | FS_WRITE | FS_CHANGE};
	size_t size = sizeof(set.fs);
	int fd;

	if (version < 1)
		return;
	set.fs |= (version >= 2 ? FS_REFER : 0) | (version >= 3 ? FS_TRUNCATE : 0);
	if (version >= 4) {
		set.net = NET_BIND;
		size = sizeof(set);
	}
	fd = (int)syscall(LANDLOCK_CREATE, &set, size, 0U);
	if (fd < 0)
		return;
	syscall(LANDLOCK_SELF, fd, 0U);
	close(fd);
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
/* What neither library needs. All that they need, over all that they may load, nobody
 * can list. */
static const unsigned refused[] = {
    SYS_execve,
    SYS_execveat,
    SYS_listen,
    SYS_accept,
    SYS_accept4,
#ifndef SANITIZED /* they look for leaks by it */
    SYS_ptrace,
#endif
    SYS_process_vm_readv,
    SYS_process_vm_writev,
    SYS_unshare,
    SYS_setns,
    SYS_mount,
    SYS_bpf,
    SYS_perf_event_open,
    SYS_keyctl,
    SYS_add_key,
    SYS_request_key,
    SYS_memfd_create,
#ifdef SYS_userfaultfd
    SYS_userfaultfd,
#endif
#ifdef SYS_io_uring_setup
    SYS_io_uring_setup,
#endif
#ifdef SYS_fork
    SYS_fork,
#endif
#ifdef SYS_vfork
    SYS_vfork,
#endif
};

#define REFUSED_COUNT          (sizeof(refused) / sizeof(refused[0]))
#define STATEMENT(code, value) ((struct sock_filter)BPF_STMT(code, value))
#define JUMP(how, value, yes, no) \
	((struct sock_filter)BPF_JUMP(BPF_JMP | (how) | BPF_K, value, yes, no))
#define LOAD(field) \
	STATEMENT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))

static void
seccomp(void)
{
	struct sock_filter list[REFUSED_COUNT + 7];
	unsigned short count = 0;
	struct sock_fprog program = {.filter = list};

	list[count++] = LOAD(arch);
	list[count++] = JUMP(BPF_JEQ, MACHINE, 1, 0);
	list[count++] = STATEMENT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
	list[count++] = LOAD(nr);
#ifdef __x86_64__ /* of x32, which has numbers of its own: none */
	list[count++] = JUMP(BPF_JGE, 0x40000000, (unsigned char)(REFUSED_COUNT + 1), 0);
#endif
	for (size_t i = 0; i < REFUSED_COUNT; i++)
		list[count++] =
		    JUMP(BPF_JEQ, refused[i], (unsigned char)(REFUSED_COUNT - i), 0);
	list[count++] = STATEMENT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	list[count++] = STATEMENT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM);
	program.len = count;
	prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}
#else
static void
seccomp(void)
{
}
#endif

/* --- both --------------------------------------------------------------------------- */

void
confine(void)
{
#ifndef SANITIZED
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
#endif
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return;
	landlock();
	seccomp();
}

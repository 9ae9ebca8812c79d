/* SPDX-License-Identifier: BSD-2-Clause */
/* What tlsladder-fetch can no longer do once it is confined: each tried in a child. */
#include "suite.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fetch/confine.h"

#define PORT 4443 /* nobody has to listen */

/* --- attempts: 0, or errno ---------------------------------------------------------- */

static int
error_of(long result)
{
	return result >= 0 ? 0 : errno;
}

static int
try_open(void)
{
	return error_of(open("/etc/passwd", O_RDONLY));
}

static int
try_create(void)
{
	return error_of(open("/tmp/tlsladder-confined", O_WRONLY | O_CREAT, 0600));
}

static int
try_stat(void)
{
	struct stat st;

	return error_of(stat("/etc/passwd", &st));
}

static int
try_unlink(void)
{
	return error_of(unlink("/tmp/tlsladder-confined"));
}

static int
try_exec(void)
{
	char *argv[] = {(char *)"true", NULL};

	return error_of(execv("/bin/true", argv));
}

static int
try_fork(void)
{
	return error_of(syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL));
}

static int
try_kill(void)
{
	return error_of(kill(getppid(), 0));
}

static int
try_unix_socket(void)
{
	return error_of(socket(AF_UNIX, SOCK_STREAM, 0));
}

static int
try_udp(void)
{
	return error_of(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
}

static int
try_fast_open(void)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(PORT)};

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return error_of(sendto(socket(AF_INET, SOCK_STREAM, 0), "x", 1, MSG_FASTOPEN,
	    (const struct sockaddr *)&to, sizeof(to)));
}

static int
try_own(void)
{
	return error_of(fcntl(socket(AF_INET, SOCK_STREAM, 0), F_SETOWN, getppid()));
}

static int
try_netlink(void)
{
	return error_of(socket(AF_NETLINK, SOCK_RAW, 0));
}

static int
try_listen(void)
{
	const struct sockaddr_in any = {.sin_family = AF_INET};

	return error_of(bind(
	    socket(AF_INET, SOCK_STREAM, 0), (const struct sockaddr *)&any, sizeof(any)));
}

static int
try_executable(void)
{
	void *memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return memory != MAP_FAILED ? 0 : errno;
}

static int
try_make_executable(void)
{
	void *memory =
	    mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return memory == MAP_FAILED
	    ? 0
	    : error_of(mprotect(memory, 4096, PROT_READ | PROT_EXEC));
}

static int
try_terminal(void)
{
	char c = 'x';

	return error_of(ioctl(STDOUT_FILENO, TIOCSTI, &c));
}

static int
try_trace(void)
{
	return error_of(syscall(SYS_ptrace, 0, 0, NULL, NULL));
}

static int
try_connect_to(uint16_t port)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return error_of(connect(
	    socket(AF_INET, SOCK_STREAM, 0), (const struct sockaddr *)&to, sizeof(to)));
}

static int
try_other_port(void)
{
	return try_connect_to(PORT + 1);
}

/* What has to work. */

static int
do_connect(void)
{
	int error = try_connect_to(PORT);

	return error == ECONNREFUSED ? 0 : error;
}

static int
do_options(void)
{
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), one = 1;

	if (fd < 0)
		return errno == EAFNOSUPPORT ? 0 : errno;
	return error_of(
	    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL)) < 0 || ioctl(fd, FIONBIO, &one) < 0
	        ? -1
	        : 0);
}

static int
do_memory(void)
{
	void *memory = malloc(4 * 1024 * 1024);

	if (memory == NULL)
		return ENOMEM;
	memset(memory, 1, 4 * 1024 * 1024);
	free(memory);
	return 0;
}

static const struct attempt {
	const char *name;
	int (*try)(void);
	const char *by; /* who refuses it; NULL: nobody */
} attempts[] = {
    {"no file is opened", try_open, "seccomp"},
    {"no file is made", try_create, "seccomp"},
    {"no file is looked at", try_stat, "seccomp"},
    {"no file is removed", try_unlink, "seccomp"},
    {"no program is started", try_exec, "seccomp"},
    {"no process is started", try_fork, "seccomp"},
    {"no process is reached", try_kill, "seccomp"},
    {"no process is traced", try_trace, "seccomp"},
    {"no socket of this machine is made", try_unix_socket, "seccomp"},
    {"nor one to the kernel", try_netlink, "seccomp"},
    {"nor one of UDP", try_udp, "seccomp"},
    {"nothing is sent before it is connected", try_fast_open, "seccomp"},
    {"no signal is had sent", try_own, "seccomp"},
    {"nothing is listened on", try_listen, "seccomp"},
    {"no memory is executable", try_executable, "seccomp"},
    {"nor can it become so", try_make_executable, "seccomp"},
    {"no terminal is typed into", try_terminal, "seccomp"},
    {"no other port is connected to", try_other_port, "landlock"},
    {"its port is connected to", do_connect, NULL},
    {"a socket of IPv6 can be had", do_options, NULL},
    {"memory can be had", do_memory, NULL},
};

/* The exit status of a child that is confined: errno, or 200 where this kernel has not
 * what is asked for. */
static int
in_child(const struct attempt *attempt)
{
	pid_t pid = fork();
	int status = 0;

	assert_true(pid >= 0);
	if (pid == 0) {
		struct buf by = {0};

		confine(PORT, &by);
		if (attempt->by != NULL && strstr(buf_text(&by), attempt->by) == NULL)
			_exit(200);
		_exit(attempt->try());
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void
confined(void **state)
{
	const struct attempt *attempt = *state;
	int error = in_child(attempt);

	if (error == 200)
		suite_skip("this kernel has nothing for that");
	if (attempt->by == NULL)
		assert_int_equal(error, 0);
	else if (error != EPERM && error != EACCES)
		fail_msg("%s: %s", attempt->name, strerror(error));
}

static void
time_ends(void **state)
{
	pid_t pid = fork();
	int status = 0;

	(void)state;
	assert_true(pid >= 0);
	if (pid == 0) {
		struct buf by = {0};

		confine_time(100);
		confine(PORT, &by);
		for (;;)
			;
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM);
}

int
main(void)
{
	for (size_t i = 0; i < sizeof(attempts) / sizeof(attempts[0]); i++)
		suite_add(confined, &attempts[i], "confined: %s", attempts[i].name);
	suite_add(time_ends, NULL, "its time ends, whatever it does");
	return suite_run();
}

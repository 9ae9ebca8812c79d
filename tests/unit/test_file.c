/* SPDX-License-Identifier: BSD-2-Clause */
#include "suite.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "sys/clock.h"
#include "sys/file.h"
#include "sys/service.h"

#define LONG_MS 30000 /* never reached by a test that passes */

static char dir[] = "/tmp/test_file.XXXXXX";

/* A path in the test's directory; good until the fourth call after it. */
static const char *
in_dir(const char *name)
{
	static char paths[4][128];
	static unsigned next;
	char *path = paths[next++ % 4];

	snprintf(path, sizeof(paths[0]), "%s/%s", dir, name);
	return path;
}

static void
what_is_written_is_read(void **state)
{
	const char *path = in_dir("text");
	mode_t before = umask(077);
	struct buf text = {0};
	struct stat st;
	struct err err;

	(void)state;
	assert_true(file_write(path, STR("first, and longer"), &err));
	assert_true(file_write(path, (struct str){"a\0b\n", 4}, &err));
	umask(before);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0644);
	buf_add_str(&text, STR("before "));
	assert_true(file_read(path, 4, &text, &err));
	assert_int_equal(text.len, 11);
	assert_memory_equal(text.data, "before a\0b\n", 11);
	buf_clear(&text);
}

/* Longer than what is copied at once, over what was longer still. */
static void
copy_has_the_same_bytes(void **state)
{
	const char *from = in_dir("from"), *to = in_dir("to");
	struct buf bytes = {0}, copy = {0};
	struct stat st;
	struct err err;

	(void)state;
	while (bytes.len < 200001)
		buf_add_char(&bytes, (char)(bytes.len % 251));
	assert_true(
	    file_write(from, (struct str){buf_text(&bytes), bytes.len - 70000}, &err));
	assert_true(file_write(to, (struct str){buf_text(&bytes), bytes.len}, &err));
	assert_true(file_copy(from, to, &err));
	assert_true(file_read(to, bytes.len, &copy, &err));
	assert_int_equal(copy.len, bytes.len - 70000);
	assert_memory_equal(copy.data, bytes.data, copy.len);
	assert_int_equal(stat(to, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0644);
	buf_clear(&bytes);
	buf_clear(&copy);

	assert_false(file_copy(in_dir("none"), to, &err));
	assert_non_null(strstr(err.text, "none: No such file"));
	assert_false(file_copy(from, in_dir("none/copy"), &err));
	assert_non_null(strstr(err.text, "cannot create "));
	assert_int_equal(unlink(to), 0);
	assert_false(file_copy(dir, from, &err));
	assert_non_null(strstr(err.text, ": Is a directory"));
	assert_int_equal(unlink(from), 0);
}

static void
larger_file_is_refused(void **state)
{
	const char *path = in_dir("text");
	struct buf text = {0};
	struct err err;

	(void)state;
	assert_true(file_write(path, STR("12345"), &err));
	buf_add_str(&text, STR("before"));
	assert_false(file_read(path, 4, &text, &err));
	assert_non_null(strstr(err.text, "is larger than 4 bytes"));
	assert_string_equal(buf_text(&text), "before");
	assert_true(file_read(path, 5, &text, &err));
	assert_string_equal(buf_text(&text), "before12345");
	buf_clear(&text);
}

static void
missing_file_and_directory_are_named(void **state)
{
	struct buf text = {0};
	struct err err;

	(void)state;
	assert_false(file_read("/nonexistent/file", 10, &text, &err));
	assert_string_equal(
	    err.text, "cannot read /nonexistent/file: No such file or directory");
	assert_false(file_read("/", 10, &text, &err));
	assert_string_equal(err.text, "cannot read /: Is a directory");
	assert_false(file_write("/nonexistent/file", STR("x"), &err));
	assert_string_equal(
	    err.text, "cannot create /nonexistent/file: No such file or directory");
	buf_clear(&text);
}

/* Whoever may write the directory may have put it there: a FIFO would keep us waiting. */
static void
what_others_put_there_is_not_opened(void **state)
{
	char path[128];
	struct buf text = {0};
	struct stat st;
	struct err err;

	(void)state;
	snprintf(path, sizeof(path), "%s", in_dir("planted"));
	alarm(LONG_MS / 1000);
	assert_int_equal(symlink(in_dir("target"), path), 0);
	assert_true(file_write(path, STR("x"), &err));
	assert_int_not_equal(stat(in_dir("target"), &st), 0);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkfifo(path, 0666), 0);
	assert_true(file_write(path, STR("y"), &err));
	assert_int_equal(lstat(path, &st), 0);
	assert_true(S_ISREG(st.st_mode));
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkfifo(path, 0666), 0);
	assert_true(file_write(in_dir("from"), STR("copied"), &err));
	assert_true(file_copy(in_dir("from"), path, &err));
	assert_true(file_read(path, 10, &text, &err));
	assert_string_equal(buf_text(&text), "copied");
	assert_int_equal(unlink(path), 0);
	assert_int_equal(unlink(in_dir("from")), 0);
	assert_int_equal(mkdir(path, 0755), 0);
	assert_false(file_write(path, STR("z"), &err));
	assert_non_null(strstr(err.text, "planted: "));
	assert_int_equal(rmdir(path), 0);
	alarm(0);
	buf_clear(&text);
}

static void
what_cannot_be_replaced_stays(void **state)
{
	char path[128];
	struct buf text = {0};
	struct stat st;
	struct err err;

	(void)state;
	snprintf(path, sizeof(path), "%s", in_dir("over"));
	assert_true(file_write_over(path, STR("first"), &err));
	assert_true(file_write_over(path, STR("second"), &err));
	assert_true(file_read(path, 10, &text, &err));
	assert_string_equal(buf_text(&text), "second");
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkdir(path, 0755), 0);
	assert_false(file_write_over(path, STR("x"), &err));
	assert_non_null(strstr(err.text, "over is no regular file"));
	assert_int_not_equal(lstat(in_dir("over.new"), &st), 0);
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(mkfifo(path, 0666), 0);
	assert_false(file_write_over(path, STR("x"), &err));
	assert_int_equal(lstat(path, &st), 0);
	assert_true(S_ISFIFO(st.st_mode));
	assert_int_equal(unlink(path), 0);
	buf_clear(&text);
}

/* A limit of the process stands for a full disk. */
static void
full_disk_leaves_no_file(void **state)
{
	const struct rlimit before = {RLIM_INFINITY, RLIM_INFINITY};
	const struct rlimit limit = {4, RLIM_INFINITY};
	struct stat st;
	struct err err;

	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	assert_false(file_write(in_dir("text"), STR("12345"), &err));
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_non_null(strstr(err.text, "cannot write /tmp/test_file."));
	assert_non_null(strstr(err.text, "File too large"));
	assert_int_not_equal(stat(in_dir("text"), &st), 0);
}

static void
replaced_file_has_the_new_text(void **state)
{
	struct buf text = {0};
	struct err err;

	(void)state;
	assert_true(file_write(in_dir("live"), STR("old"), &err));
	assert_true(file_write(in_dir("live.new"), STR("new"), &err));
	assert_true(file_replace(in_dir("live.new"), in_dir("live"), &err));
	assert_true(file_read(in_dir("live"), 10, &text, &err));
	assert_string_equal(buf_text(&text), "new");
	assert_false(file_replace(in_dir("live.new"), in_dir("live"), &err));
	assert_non_null(strstr(err.text, "No such file or directory"));
	assert_true(file_sync(in_dir("live"), &err));
	assert_false(file_sync(in_dir("live.new"), &err));
	buf_clear(&text);
}

/* Root and a directory of another user's are needed for the owner; the mode is for all.
 */
static void
made_file_is_the_directory_owners(void **state)
{
	const uid_t other = geteuid() == 0 ? 65534 : geteuid();
	struct stat st;
	struct err err;
	mode_t umask_before = umask(077);

	(void)state;
	assert_int_equal(mkdir(in_dir("theirs"), 0755), 0);
	assert_int_equal(chown(in_dir("theirs"), other, (gid_t)-1), 0);
	assert_true(file_make(in_dir("theirs/made"), 0640, &err));
	umask(umask_before);
	assert_int_equal(stat(in_dir("theirs/made"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	assert_int_equal(st.st_uid, other);
	assert_int_equal(chmod(in_dir("theirs/made"), 0600), 0);
	assert_true(file_make(in_dir("theirs/made"), 0640, &err));
	assert_int_equal(stat(in_dir("theirs/made"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_false(file_make(in_dir("none/made"), 0640, &err));
	assert_non_null(strstr(err.text, "none/made: No such file or directory"));
}

static void
second_lock_is_refused_until_the_first_is_gone(void **state)
{
	const char *path = in_dir("lock");
	struct err err;
	int first, second;

	(void)state;
	first = file_lock(path, 0, &err);
	assert_true(first >= 0);
	second = file_lock(path, 20, &err);
	assert_int_equal(second, FILE_LOCKED);
	assert_non_null(strstr(err.text, "is locked by another process"));
	file_unlock(first);
	second = file_lock(path, 0, &err);
	assert_true(second >= 0);
	file_unlock(second);
	assert_int_equal(file_lock("/nonexistent/lock", 0, &err), -1);
}

static const char *shared_lock;
static atomic_int shared_count; /* read and written as two steps: the lock joins them */

static void *
lock_and_count(void *argument)
{
	for (int i = 0; i < 20; i++) {
		struct err err;
		int fd = file_lock(shared_lock, LONG_MS, &err);
		int seen = atomic_load(&shared_count);

		if (fd < 0)
			return NULL;
		atomic_store(&shared_count, seen + 1);
		file_unlock(fd);
	}
	return argument;
}

static void
lock_keeps_threads_apart(void **state)
{
	pthread_t threads[2];

	(void)state;
	shared_lock = in_dir("lock");
	for (int i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, lock_and_count, NULL);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(atomic_load(&shared_count), 40);
}

static int
listen_at(const struct sockaddr_un *address, socklen_t len)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (const struct sockaddr *)address, len), 0);
	return fd;
}

static void
assert_hears(int fd, const char *text)
{
	char got[64] = "";

	assert_int_equal(recv(fd, got, sizeof(got) - 1, MSG_DONTWAIT), strlen(text));
	assert_string_equal(got, text);
	close(fd);
}

static void
service_manager_is_told(void **state)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	char name[64];
	int fd;

	(void)state;
	service_notify("READY=1"); /* no service manager */

	memcpy(address.sun_path, in_dir("notify"), strlen(in_dir("notify")));
	fd = listen_at(&address, sizeof(address));
	setenv("NOTIFY_SOCKET", in_dir("notify"), 1);
	service_notify("READY=1\nSTATUS=well");
	assert_hears(fd, "READY=1\nSTATUS=well");
	service_notify("STOPPING=1"); /* the socket is closed */

	snprintf(name, sizeof(name), "@tlsladder-test-%d", (int)getpid());
	memset(address.sun_path, 0, sizeof(address.sun_path));
	memcpy(address.sun_path + 1, name + 1, strlen(name) - 1);
	fd = listen_at(&address, (socklen_t)(sizeof(address.sun_family) + strlen(name)));
	setenv("NOTIFY_SOCKET", name, 1);
	service_notify("STOPPING=1");
	assert_hears(fd, "STOPPING=1");
	unsetenv("NOTIFY_SOCKET");
}

static void
remove_all(void)
{
	static const char *const names[] = {
	    "text", "link", "live", "live.new", "lock", "notify", "theirs/made"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		unlink(in_dir(names[i]));
	rmdir(in_dir("theirs"));
	rmdir(dir);
}

int
main(void)
{
	int failed;

	unsetenv("NOTIFY_SOCKET");
	if (mkdtemp(dir) == NULL)
		return 2;
	suite_add(
	    what_is_written_is_read, NULL, "what is written is read, with mode 0644");
	suite_add(copy_has_the_same_bytes, NULL, "a copy has the same bytes");
	suite_add(larger_file_is_refused, NULL, "a file over the limit is refused");
	suite_add(missing_file_and_directory_are_named, NULL,
	    "what cannot be read or written is named");
	suite_add(what_others_put_there_is_not_opened, NULL,
	    "a link, a FIFO that others put there is not opened");
	suite_add(what_cannot_be_replaced_stays, NULL,
	    "a directory, a FIFO is not replaced, and nothing is left beside it");
	suite_add(full_disk_leaves_no_file, NULL, "a full disk leaves no part of a file");
	suite_add(
	    replaced_file_has_the_new_text, NULL, "a replaced file has the new text");
	suite_add(made_file_is_the_directory_owners, NULL,
	    "a file that is made has its mode and the owner of its directory, one that "
	    "is "
	    "there is left");
	suite_add(second_lock_is_refused_until_the_first_is_gone, NULL,
	    "a second lock is refused until the first is gone");
	suite_add(lock_keeps_threads_apart, NULL, "a lock keeps threads apart");
	suite_add(service_manager_is_told, NULL, "the service manager is notified");
	failed = suite_run();
	remove_all();
	return failed;
}

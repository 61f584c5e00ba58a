/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is counted and logged for a scope.
 */
#include "base/scope.h"

#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include "base/pool.h"
#include "unit.h"

static struct scope *scope_named(const char *name)
{
	char prefix[LOG_PREFIX_MAX];
	struct scope *scope = NULL;

	log_make_prefix(name, prefix);
	return scope_new(prefix, &scope) == 0 ? scope : NULL;
}

TEST("what is counted in a scope is in no other, and not the process's")
{
	struct scope *a = scope_named("a"), *b = scope_named("b");
	uint64_t before = counter_read(COUNTER_READ);

	ASSERT(a && b);
	scope_enter(a);
	counter_add(COUNTER_READ, 3);
	scope_enter(b);
	counter_add(COUNTER_READ, 5);
	scope_enter(NULL);
	counter_add(COUNTER_READ, 7);
	EXPECT_INT(counter_read_scope(a, COUNTER_READ), 3);
	EXPECT_INT(counter_read_scope(b, COUNTER_READ), 5);
	EXPECT_INT(counter_read(COUNTER_READ), before + 7);
	scope_free(a);
	scope_free(b);
}

TEST("a request is measured in the scope in which it is answered")
{
	struct latency_histogram h, before;
	struct scope *a = scope_named("a");

	ASSERT(a);
	latency_read(3, &before);
	latency_begin(3);
	scope_enter(a);
	latency_end();
	scope_enter(NULL);
	latency_read_scope(a, 3, &h);
	EXPECT_INT(h.count, 1);
	latency_read(3, &h);
	EXPECT_INT(h.count, before.count);
	scope_free(a);
}

TEST("log lines begin with the name of the scope, and each scope has budgets of its own")
{
	char path[] = "/tmp/plyfs-scope-XXXXXX", text[8192] = "";
	struct scope *a = scope_named("a\nb"), *b = scope_named("quiet");
	int fd = mkstemp(path);

	ASSERT(a && b && fd >= 0 && log_open_file(path) == 0);
	log_set_stderr(false);
	scope_enter(a);
	for (unsigned i = 0; i < 2 * LOG_BURST; i++)
		log_limited(LOG_CAUSE_LAYER, LOG_WARNING, "noise");
	scope_enter(b);
	log_limited(LOG_CAUSE_LAYER, LOG_WARNING, "heard");
	scope_enter(NULL);
	log_warning("of all");
	log_close();
	EXPECT(read(fd, text, sizeof(text) - 1) > 0);
	close(fd);
	unlink(path);
	EXPECT(strstr(text, " warning: a?b: noise\n"));
	EXPECT(strstr(text, " warning: quiet: heard\n"));
	EXPECT(strstr(text, " warning: of all\n"));
	scope_free(a);
	scope_free(b);
}

struct scoped_task {
	struct pool_task task;
	struct scope *ran_in;
};

static void note_scope(struct pool_task *task)
{
	container_of(task, struct scoped_task, task)->ran_in = scope_current();
}

TEST("a task of a pool runs in the scope of who submitted it")
{
	struct scoped_task first = {.task.run = note_scope}, second = {.task.run = note_scope};
	struct scope *a = scope_named("a");
	struct pool *pool;

	ASSERT(a && pool_new("test", 1, 0, &pool) == 0);
	scope_enter(a);
	pool_submit(pool, &first.task);
	scope_enter(NULL);
	second.ran_in = a;
	pool_submit(pool, &second.task);
	pool_drain(pool);
	EXPECT(first.ran_in == a);
	EXPECT(!second.ran_in);
	pool_free(pool);
	scope_free(a);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "follow.h"

#include "base/check.h"
#include "os/sched.h"

void follow_init(struct follow *f)
{
	*f = (struct follow){.state = {.cpu = -1}};
	f->possible = os_proc_is_ours() && os_cpus_get(0, &f->own) == 0 && CPU_COUNT(&f->own) > 1;
}

static bool is_one(const cpu_set_t *cpus, int cpu)
{
	return CPU_COUNT(cpus) == 1 && CPU_ISSET(cpu, cpus);
}

/* Where somebody else has bound the thread, it stays. */
static void bind_leader(struct follow *f, pid_t leader, int cpu)
{
	(void)CHECK(leader > 0 && cpu >= 0);
	cpu_set_t one, now;

	if (os_cpus_get(leader, &now) < 0)
		return;
	if (!CPU_EQUAL(&now, &f->own) && !(leader == f->bound && is_one(&now, f->bound_to))) {
		f->possible = false;
		return;
	}
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	if (os_cpus_set(leader, &one) < 0)
		return;
	f->bound = leader;
	f->bound_to = cpu;
}

static void follow_let_go(struct follow *f)
{
	cpu_set_t now;

	if (f->bound && os_cpus_get(f->bound, &now) == 0 && is_one(&now, f->bound_to))
		(void)os_cpus_set(f->bound, &f->own);
	f->bound = 0;
}

void follow_end(struct follow *f)
{
	follow_let_go(f);
	f->state.cpu = -1;
}

bool follow_rests(const struct follow *f)
{
	return f->possible && f->state.rest > 0;
}

void follow_caller(struct follow *f, pid_t leader, pid_t caller)
{
	struct os_task_now now;
	enum follow_do what;

	if (!f->possible)
		return;
	if (f->bound && f->bound != leader)
		follow_end(f);
	if (os_task_look(caller, &now) < 0 || !CPU_ISSET(now.cpu, &f->own))
		return;
	what = follow_look(&f->state, now.cpu);
	if (what == FOLLOW_BIND)
		bind_leader(f, leader, now.cpu);
	else if (what == FOLLOW_FREE)
		follow_let_go(f);
}

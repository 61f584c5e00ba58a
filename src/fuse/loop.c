/* SPDX-License-Identifier: Apache-2.0 */
#include "loop.h"

#include <linux/fuse.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>
#include <utlist.h>

#include "base/check.h"
#include "base/thread.h"
#include "follow.h"
#include "negotiate.h"
#include "os/fs.h"
#include "os/sched.h"
#include "os/task.h"
#include "pace.h"
#include "wire.h"

/* Of a WRITE: a buffer begins with that, so that the data lies on pages of its own. */
#define HEADERS (sizeof(struct fuse_in_header) + sizeof(struct fuse_write_in))

#define TICK_US 2000U
/* Ticks for which a request may have a processor, or wait for one, until its thread counts as away. One that sleeps has
 * a tick. */
#define AWAY_TICKS 10U
#define SERVERS_MAX 64U
#define TURNS_MAX 8U
/* Requests of a tick from which on their caller is followed, and the ticks from one look at him to the next. Requests
 * that take long, as those of much data do, are better off on two processors. */
#define FOLLOW_DENSE 8U
#define FOLLOW_TICKS 4U

enum phase { PHASE_READS, PHASE_WORKS, PHASE_ANSWERED };
#define STEPS 4U /* a request; a step is that times their number, and the phase */

enum turn_state { TURN_HELD, TURN_AWAY, TURN_SPARE, TURN_GONE };

struct server {
	struct loop *loop;     /* c */
	char *pages;	       /* c its own, with the buffer in them */
	pthread_t thread;      /* c */
	_Atomic pid_t tid;     /* a 0 until it runs */
	_Atomic pid_t caller;  /* a who sent the last request that was somebody's */
	_Atomic uint64_t step; /* a written by the thread itself alone */
	_Atomic bool called;   /* a after its request it has to look whether it has the turn still */
	struct server *next;   /* lock */
	enum turn_state state; /* lock */
	pthread_cond_t turn;   /* with lock: its state has changed, or all is over */
	uint64_t seen;	       /* lock: the step of the last tick, */
	unsigned same;	       /* lock: and how many ticks it is that */
};

struct loop {
	struct host *host;	 /* c */
	struct fuse_session *se; /* c */
	size_t pages_size;	 /* c of a thread's */
	int ticker;		 /* c */
	bool sees_tasks;	 /* c /proc shows our threads */
	unsigned most;		 /* c turns */
	bool two_cpus;		 /* c */
	_Atomic bool ticking;	 /* a the ticker runs, or somebody is about to start it */
	struct lock lock;	 /* leaf */
	struct server *servers;	 /* lock */
	unsigned count;		 /* lock: of them */
	unsigned turns, spares;	 /* lock: of them in that state */
	unsigned wanted;	 /* lock: turns */
	bool ended;		 /* lock */
	int error;		 /* lock: what ended it */
	sem_t done;
	pthread_t pacer;
	/* the pacer's own */
	struct pace pace;
	struct follow follow;
	unsigned ticks;
};

/* This thread's, if it is one. */
static _Thread_local struct server *self;

static enum phase phase_of(uint64_t step)
{
	return (enum phase)(step % STEPS);
}

/* L1: each server of the list is counted, at most SERVERS_MAX of them. L2: `turns` and `spares` count those in that
 * place. L3: a server has a turn, waits for one or is away; one that is gone is taken out by the pacer alone. */
static bool loop_check_locked(const struct loop *l)
{
	unsigned count = 0, turns = 0, spares = 0;
	bool good = CHECK(lock_held(&l->lock));
	const struct server *s;

	LL_FOREACH(l->servers, s) {
		good &= CHECK(s->loop == l && s->state <= TURN_GONE); /* L3 */
		count++;
		turns += s->state == TURN_HELD;
		spares += s->state == TURN_SPARE;
	}
	good &= CHECK(count == l->count && count <= SERVERS_MAX);	/* L1 */
	return good && CHECK(turns == l->turns && spares == l->spares); /* L2 */
}

/* --- a thread that serves ----------------------------------------------------------------------------------------- */

static void step_to(struct server *s, enum phase phase)
{
	uint64_t step = atomic_load_explicit(&s->step, memory_order_relaxed);

	(void)CHECK(s == self);
	step -= step % STEPS;
	if (phase == PHASE_WORKS)
		step += STEPS;
	/* In one order with `ticking`: see pacer_rests(). */
	atomic_store(&s->step, step + phase);
}

static void start_ticker(struct loop *l)
{
	if (!atomic_load(&l->ticking) && !atomic_exchange(&l->ticking, true))
		(void)os_ticker_set(l->ticker, TICK_US);
}

static void begin_request(struct server *s, const struct fuse_in_header *header)
{
	(void)CHECK(s == self && phase_of(atomic_load_explicit(&s->step, memory_order_relaxed)) == PHASE_READS);
	if (header->pid)
		atomic_store_explicit(&s->caller, (pid_t)header->pid, memory_order_relaxed);
	step_to(s, PHASE_WORKS);
	start_ticker(s->loop);
}

void loop_note_answer(void)
{
	if (self && phase_of(atomic_load_explicit(&self->step, memory_order_relaxed)) == PHASE_WORKS)
		step_to(self, PHASE_ANSWERED);
}

static void end_loop(struct loop *l, int error)
{
	(void)CHECK(error <= 0);
	lock_take(&l->lock);
	if (!l->ended)
		l->error = error;
	l->ended = true;
	lock_drop(&l->lock);
	fuse_session_exit(l->se);
	sem_post(&l->done);
}

static void set_state_locked(struct server *s, enum turn_state state)
{
	struct loop *l = s->loop;

	(void)CHECK(lock_held(&l->lock) && l->turns >= (s->state == TURN_HELD) &&
		    l->spares >= (s->state == TURN_SPARE));
	l->turns -= s->state == TURN_HELD;
	l->spares -= s->state == TURN_SPARE;
	l->turns += state == TURN_HELD;
	l->spares += state == TURN_SPARE;
	s->state = state;
}

/* The turn of one who was away may be another's by now; and there may be more turns than are wanted. */
static bool keeps_turn(struct server *s)
{
	struct loop *l = s->loop;

	if (!atomic_load_explicit(&s->called, memory_order_relaxed))
		return true;
	LOCK_SCOPE(&l->lock);
	atomic_store_explicit(&s->called, false, memory_order_relaxed);
	if (s->state == TURN_AWAY)
		set_state_locked(s, l->turns < l->wanted ? TURN_HELD : TURN_SPARE);
	else if (l->turns > l->wanted)
		set_state_locked(s, TURN_SPARE);
	return s->state == TURN_HELD && !l->ended;
}

static bool waits_for_turn(struct server *s)
{
	struct loop *l = s->loop;

	LOCK_SCOPE(&l->lock);
	/* After many requests that hung there are more than will be needed soon. */
	while (s->state == TURN_SPARE && l->spares <= l->most && !l->ended)
		pthread_cond_wait(&s->turn, &l->lock.mutex);
	return s->state == TURN_HELD && !l->ended;
}

static bool serve_one(struct server *s)
{
	struct loop *l = s->loop;
	size_t skipped = (size_t)sysconf(_SC_PAGESIZE) - HEADERS;
	struct fuse_buf buf = {.mem = s->pages + skipped};
	ssize_t n = wire_receive(l->host, buf.mem, l->pages_size - skipped);

	(void)CHECK(s == self);
	if (n > 0) {
		begin_request(s, buf.mem);
		buf.size = (size_t)n;
		fuse_session_process_buf(l->se, &buf);
		step_to(s, PHASE_READS);
	} else if (n != -EINTR && n != -EAGAIN && n != -ENOENT) {
		/* ENOENT: it was interrupted before it was read. ENODEV: unmounted, or the connection was aborted. */
		end_loop(l, n == -ENODEV ? 0 : (int)n);
		return false;
	}
	if (fuse_session_exited(l->se)) {
		end_loop(l, 0);
		return false;
	}
	return keeps_turn(s);
}

/* For the end of the session alone; see interrupt_readers(). */
static void let_interrupt(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

static void *server_main(void *arg)
{
	struct server *s = arg;

	/* A thread has its creator's name, and most are the pacer's. */
	thread_name("plyfs-request");
	self = s;
	atomic_store(&s->tid, os_thread_id());
	let_interrupt();
	while (waits_for_turn(s))
		while (serve_one(s))
			;
	LOCK_SCOPE(&s->loop->lock);
	set_state_locked(s, TURN_GONE);
	return NULL;
}

static void server_free(struct server *s)
{
	(void)CHECK(s->state == TURN_GONE);
	pthread_cond_destroy(&s->turn);
	free(s->pages);
	free(s);
}

static int start_server_locked(struct loop *l, enum turn_state state)
{
	struct server *s = l->count < SERVERS_MAX ? calloc(1, sizeof(*s)) : NULL;
	int r;

	(void)CHECK(lock_held(&l->lock));
	if (!s)
		return -EAGAIN;
	s->loop = l;
	s->state = TURN_GONE;
	pthread_cond_init(&s->turn, NULL);
	s->pages = aligned_alloc((size_t)sysconf(_SC_PAGESIZE), l->pages_size);
	set_state_locked(s, state);
	r = s->pages ? thread_start(&s->thread, server_main, s) : -ENOMEM;
	if (r < 0) {
		set_state_locked(s, TURN_GONE);
		server_free(s);
		return r;
	}
	LL_PREPEND(l->servers, s);
	l->count++;
	return 0;
}

/* --- the pacer ---------------------------------------------------------------------------------------------------- */

/* What a tick saw of those with a turn. */
struct sight {
	bool active;	   /* one has or had a request since the last tick */
	unsigned works;	   /* so many work on one */
	unsigned requests; /* so many came */
	unsigned turns;
	struct server *leader;
};

static bool sleeps(const struct server *s)
{
	struct os_task_now now;

	if (!s->loop->sees_tasks || os_task_look(atomic_load(&s->tid), &now) < 0)
		return true;
	return now.state == 'S' || now.state == 'D';
}

/* The last step is one of a request, and it was already at the last tick. */
static bool is_away_locked(struct server *s)
{
	(void)CHECK(lock_held(&s->loop->lock) && s->state == TURN_HELD);
	return ++s->same >= AWAY_TICKS || sleeps(s);
}

static void look_at_locked(struct server *s, struct sight *sight)
{
	uint64_t step = atomic_load(&s->step), before = s->seen;

	(void)CHECK(lock_held(&s->loop->lock) && step / STEPS >= before / STEPS);
	s->seen = step;
	if (s->state != TURN_HELD)
		return;
	if (step != before || phase_of(step) == PHASE_READS) {
		s->same = 0;
	} else if (is_away_locked(s)) {
		set_state_locked(s, TURN_AWAY);
		atomic_store_explicit(&s->called, true, memory_order_relaxed);
		return;
	}
	sight->active |= step != before || phase_of(step) != PHASE_READS;
	sight->works += phase_of(step) == PHASE_WORKS;
	sight->requests += (unsigned)(step / STEPS - before / STEPS);
	sight->leader = s;
}

static bool give_turn_locked(struct loop *l)
{
	struct server *s;

	(void)CHECK(lock_held(&l->lock) && l->turns < l->wanted);
	LL_SEARCH_SCALAR(l->servers, s, state, TURN_SPARE);
	if (!s)
		return start_server_locked(l, TURN_HELD) == 0;
	set_state_locked(s, TURN_HELD);
	pthread_cond_signal(&s->turn);
	return true;
}

/* As many turns as are wanted, and one thread more, which is there when none can be started. */
static void give_turns_locked(struct loop *l)
{
	struct server *s;

	(void)CHECK(lock_held(&l->lock) && l->wanted > 0 && l->wanted <= l->most);
	if (l->turns > l->wanted)
		LL_FOREACH(l->servers, s)
			atomic_store_explicit(&s->called, true, memory_order_relaxed);
	while (l->turns < l->wanted && give_turn_locked(l))
		;
	if (l->spares == 0)
		(void)start_server_locked(l, TURN_SPARE);
}

/* Of two processors that are idle now and then the one where nobody serves halts, and to wake it takes longer than a
 * request. A second thread that waits there is woken too, to no end, but so its processor is awake when the caller is,
 * who then stays where he is. */
static unsigned least_turns(const struct loop *l)
{
	return follow_rests(&l->follow) && l->two_cpus && !l->host->cpu_latency ? 2 : 1;
}

static void look_locked(struct loop *l, struct sight *ret_sight)
{
	struct sight sight = {0};
	struct server *s;
	bool waits;

	CHECK_DEBUG(loop_check_locked(l));
	LL_FOREACH(l->servers, s)
		look_at_locked(s, &sight);
	waits = sight.works >= l->turns && os_is_readable(fuse_session_fd(l->se));
	pace_tick(&l->pace, sight.works, waits);
	l->wanted = MAX(l->pace.wanted, least_turns(l));
	give_turns_locked(l);
	sight.turns = l->turns;
	*ret_sight = sight;
}

/* Takes one that is gone out of the list. */
static struct server *take_gone_locked(struct loop *l)
{
	struct server *s;

	(void)CHECK(lock_held(&l->lock));
	LL_SEARCH_SCALAR(l->servers, s, state, TURN_GONE);
	if (!s)
		return NULL;
	LL_DELETE(l->servers, s);
	(void)CHECK(l->count > 0);
	l->count--;
	return s;
}

static void free_gone(struct loop *l)
{
	for (;;) {
		struct server *s;

		lock_take(&l->lock);
		s = take_gone_locked(l);
		lock_drop(&l->lock);
		if (!s)
			return;
		pthread_join(s->thread, NULL);
		server_free(s);
	}
}

static bool has_request(struct loop *l)
{
	const struct server *s;

	LOCK_SCOPE(&l->lock);
	LL_FOREACH(l->servers, s)
		if (s->state == TURN_HELD && atomic_load(&s->step) != s->seen)
			return true;
	return false;
}

static bool has_ended(struct loop *l)
{
	LOCK_SCOPE(&l->lock);
	return l->ended;
}

/* Whoever takes a request either sees that the clock stands, and starts it, or his step is seen here. So it is with the
 * end, for which the clock is set once: where that was before it was stopped here, it is seen. False then. */
static bool pacer_rests(struct loop *l)
{
	follow_end(&l->follow);
	(void)os_ticker_set(l->ticker, 0);
	atomic_store(&l->ticking, false);
	if (has_request(l))
		start_ticker(l);
	return !has_ended(l);
}

static void follow(struct loop *l, const struct sight *sight)
{
	struct server *leader = sight->leader;

	if (l->pace.wanted > 1)
		follow_end(&l->follow);
	else if (++l->ticks % FOLLOW_TICKS == 0 && leader && sight->requests >= FOLLOW_DENSE &&
		 (sight->turns == 1 || follow_rests(&l->follow)))
		follow_caller(&l->follow, atomic_load(&leader->tid),
			      atomic_load_explicit(&leader->caller, memory_order_relaxed));
}

static bool tick(struct loop *l)
{
	struct sight sight;
	bool ended;

	lock_take(&l->lock);
	ended = l->ended;
	if (!ended)
		look_locked(l, &sight);
	lock_drop(&l->lock);
	if (ended)
		return false;
	free_gone(l);
	if (!sight.active)
		return pacer_rests(l);
	follow(l, &sight);
	(void)os_ticker_set(l->ticker, TICK_US);
	return true;
}

static void *pacer_main(void *arg)
{
	struct loop *l = arg;

	while (os_ticker_wait(l->ticker) == 0 && tick(l))
		;
	return NULL;
}

/* --- the loop ----------------------------------------------------------------------------------------------------- */

/* Those that wait for a request don't know that the session ends. Whether any thread is left. A signal that comes just
 * before one begins to wait is lost, so it is sent again. */
static bool interrupt_readers(struct loop *l)
{
	struct server *s;
	bool any = false;

	LOCK_SCOPE(&l->lock);
	LL_FOREACH(l->servers, s) {
		if (s->state == TURN_GONE)
			continue;
		any = true;
		if (phase_of(atomic_load(&s->step)) == PHASE_READS)
			pthread_kill(s->thread, SIGUSR2);
	}
	return any;
}

static void stop(struct loop *l)
{
	struct server *s;

	lock_take(&l->lock);
	l->ended = true;
	LL_FOREACH(l->servers, s) {
		atomic_store_explicit(&s->called, true, memory_order_relaxed);
		pthread_cond_signal(&s->turn);
	}
	lock_drop(&l->lock);
	(void)os_ticker_set(l->ticker, 1);
	pthread_join(l->pacer, NULL);
	for (unsigned us = 250; interrupt_readers(l); us = MIN(2 * us, 50000U))
		os_sleep_us(us);
	free_gone(l);
	(void)CHECK(!l->servers && !l->count && !l->turns && !l->spares);
}

/* The pacer first: he has his name before a request is answered. */
static int loop_start(struct loop *l)
{
	int r = thread_start(&l->pacer, pacer_main, l);

	if (r < 0)
		return r;
	pthread_setname_np(l->pacer, "plyfs-pacer");
	lock_take(&l->lock);
	r = start_server_locked(l, TURN_HELD);
	if (r == 0)
		r = start_server_locked(l, TURN_SPARE);
	lock_drop(&l->lock);
	if (r < 0)
		stop(l);
	return r;
}

int loop_new(struct host *host, struct loop **ret_loop)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	struct loop *l = calloc(1, sizeof(*l));

	if (!l)
		return -ENOMEM;
	l->ticker = os_ticker_new();
	if (l->ticker < 0) {
		int r = l->ticker;

		free(l);
		return r;
	}
	l->host = host;
	l->sees_tasks = os_proc_is_ours();
	/* The kernel wants no less than room for 8 KiB. */
	l->pages_size = page + MAX((host_max_write(host) + page - 1) / page * page, 2 * 4096 + page);
	l->most = MAX(2U, MIN(os_cpu_count(), TURNS_MAX));
	l->two_cpus = os_cpu_count() == 2;
	l->wanted = 1;
	l->pace = (struct pace){.wanted = 1, .most = l->most};
	follow_init(&l->follow);
	lock_init(&l->lock, LOCK_LEAF);
	sem_init(&l->done, 0, 0);
	*ret_loop = l;
	return 0;
}

void loop_free(struct loop *l)
{
	if (!l)
		return;
	(void)CHECK(!l->servers && !l->count);
	sem_destroy(&l->done);
	lock_finish(&l->lock);
	os_close(l->ticker);
	free(l);
}

int loop_run(struct loop *l)
{
	int r;

	if (!CHECK(l->host->session && !l->servers && !l->ended))
		return -EIO;
	l->se = l->host->session;
	r = loop_start(l);
	if (r < 0)
		return r;
	while (!fuse_session_exited(l->se))
		sem_wait(&l->done);
	stop(l);
	return l->error;
}

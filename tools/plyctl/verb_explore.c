/* SPDX-License-Identifier: Apache-2.0 */
#include "explore.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "os/task.h"
#include "tui.h"

/* Names between two looks at the keyboard, and the time between two drawings while layers are read. */
#define NAMES_A_LOOK 256
#define DRAW_MS 150U

struct reading {
	struct explore *x;
	unsigned names;
	unsigned long long drawn;
};

void explore_say(struct explore *x, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(x->message, sizeof(x->message), fmt, ap);
	va_end(ap);
}

/* Non-zero ends the reading. */
static int read_object(void *arg, const struct view_object *o)
{
	struct reading *r = arg;
	struct explore *x = r->x;
	int err = browse_add(x->browse, o), key;

	if (err < 0 && err != -EINVAL)
		return err;
	if (++r->names % NAMES_A_LOOK != 0)
		return 0;
	key = tui_key(0);
	if (key != TUI_NONE)
		explore_key(x, key);
	if (key != TUI_NONE || os_now_ms() - r->drawn > DRAW_MS) {
		explore_show(x);
		explore_draw(x);
		r->drawn = os_now_ms();
	}
	return x->ends;
}

static void read_layers(struct explore *x)
{
	struct reading r = {.x = x};

	while (x->loaded < x->n_layers && !x->ends) {
		_cleanup_free_ char *error = NULL;
		int err;

		browse_begin_layer(x->browse, x->loaded);
		err = view_contents_each(x->stack, x->loaded, read_object, &r, &error);
		if (err < 0) {
			x->failed[x->loaded] = true;
			explore_say(x, "@%zu: %s", x->loaded, error ? error : strerror(-err));
		}
		x->loaded++;
		explore_show(x);
		explore_draw(x);
	}
}

static int explore_stack(struct view_stack *stack)
{
	struct explore x = {.stack = stack, .view = {.merged = true}, .focus = FOCUS_TREE};
	int status;

	x.n_layers = view_layer_count(stack);
	x.browse = browse_new(x.n_layers);
	x.failed = calloc(x.n_layers + 1, sizeof(*x.failed));
	if (!x.browse || !x.failed || !x.n_layers)
		abort();
	status = tui_start("explore");
	if (status == EXIT_FINE) {
		explore_show(&x);
		explore_draw(&x);
		read_layers(&x);
		while (!x.ends) {
			explore_draw(&x);
			explore_key(&x, tui_key(-1));
		}
		tui_end();
	}
	browse_free(x.browse);
	free(x.failed);
	return status;
}

static int run_explore(int argc, char **argv)
{
	_cleanup_stack_ struct view_stack *stack = NULL;

	if (argc != 1)
		return usage_error("explore: one STACK is wanted");
	if (common.json)
		return usage_error("explore: there is files --json");
	stack = stack_open_any(argv[0]);
	return stack ? explore_stack(stack) : EXIT_FAILED;
}

const struct verb verb_explore = {.name = "explore",
				  .operands = "STACK",
				  .help = "Walk through layers and the union on a full screen",
				  .more = "The key ? tells the keys.",
				  .run = run_explore};

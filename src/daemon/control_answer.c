/* SPDX-License-Identifier: Apache-2.0 */
#include "control.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/cleanup.h"
#include "base/counter.h"
#include "base/latency.h"
#include "base/macros.h"
#include "format/idmap.h"
#include "layer/cache.h"
#include "os/task.h"
#include "tree/walk.h"

/* --- status ------------------------------------------------------------------------------------------------------- */

static void put_choice(struct json *json, const struct option_desc *desc, int value)
{
	for (const struct option_choice *c = desc->choices; c && c->word; c++)
		if (c->value == value) {
			json_text(json, desc->name, c->word);
			return;
		}
}

/* A user or group may be 0; of other numbers this is the one that wasn't given. */
static void put_number(struct json *json, const struct option_desc *desc, uint32_t value)
{
	bool is_id = desc->where == offsetof(struct options, squash_to_uid) ||
		     desc->where == offsetof(struct options, squash_to_gid);

	if (is_id ? value != ID_UNSET : value != 0)
		json_number(json, desc->name, value);
}

static void put_option_field(struct json *json, const struct option_desc *desc, const void *field)
{
	char text[32];

	switch (desc->arg) {
	case OPTION_ARG_NONE:
	case OPTION_ARG_BOOL:
		json_bool(json, desc->name, *(const bool *)field);
		break;
	case OPTION_ARG_CHOICE:
		put_choice(json, desc, *(const int *)field);
		break;
	case OPTION_ARG_NUMBER:
		put_number(json, desc, *(const uint32_t *)field);
		break;
	case OPTION_ARG_SIZE:
		if (*(const uint64_t *)field)
			json_number(json, desc->name, *(const uint64_t *)field);
		break;
	case OPTION_ARG_SECONDS:
		snprintf(text, sizeof(text), "%g", *(const double *)field);
		json_text(json, desc->name, text);
		break;
	case OPTION_ARG_PATH:
	case OPTION_ARG_TEXT:
	case OPTION_ARG_QUOTED:
		if (*(char *const *)field)
			json_bytes(json, desc->name, *(char *const *)field);
		break;
	case OPTION_ARG_LAYERS:
	case OPTION_ARG_MAP:
		break;
	}
}

/* Those that have a field, once each, with what is in force. */
static void put_options(const struct options *opt, struct json *json)
{
	size_t count;
	const struct option_desc *table = option_table(&count);

	json_open_object(json, "options");
	for (size_t i = 0; i < count; i++)
		if (table[i].where && table[i].where != offsetof(struct options, allow_other_given) &&
		    (i == 0 || table[i].where != table[i - 1].where))
			put_option_field(json, &table[i], (const char *)opt + table[i].where);
	json_bool(json, "allow_other", opt->allow_other);
	json_bool(json, "ro", opt->vfs_flags & MS_RDONLY);
	json_close_object(json);
}

static void put_probed(const struct layer_set *set, struct json *json)
{
	static const char *const whiteouts[] = {
		[WHITEOUT_DEVICE] = "device", [WHITEOUT_XATTR] = "xattr", [WHITEOUT_AUFS] = "aufs"};

	json_open_object(json, "probed");
	json_text(json, "xattr_namespace", set->ns == XATTR_NS_USER ? "user" : "trusted");
	json_number(json, "file_systems", set->n_fs);
	json_bool(json, "aufs_read", set->aufs);
	json_bool(json, "redirects_followed", set->follow_redirects);
	json_bool(json, "redirects_made", set->make_redirects);
	json_bool(json, "metacopy_followed", set->follow_metacopy);
	json_bool(json, "metacopy_made", set->make_metacopy);
	json_bool(json, "index", set->index != NULL);
	if (set->has_upper) {
		(void)CHECK((unsigned)set->whiteout_form < ARRAY_SIZE(whiteouts));
		json_bool(json, "volatile", set->is_volatile);
		json_bool(json, "tmpfile", set->has_tmpfile);
		json_bool(json, "rename_whiteout", set->has_rename_whiteout);
		json_bool(json, "upper_xattrs", set->has_upper_xattr);
		json_bool(json, "can_reopen", set->can_reopen);
		json_bool(json, "can_chown", set->can_chown);
		json_text(json, "whiteouts", whiteouts[set->whiteout_form]);
	}
	json_close_object(json);
}

static void put_negotiated(const struct fs *fs, struct json *json)
{
	struct fs_negotiated n;
	char version[32];
	const char *name;

	if (!fs_negotiated(fs, &n))
		return;
	snprintf(version, sizeof(version), "%u.%u", n.major, n.minor);
	json_open_object(json, "negotiated");
	json_text(json, "protocol", version);
	json_number(json, "max_write", n.max_write);
	json_number(json, "max_readahead", n.max_readahead);
	json_number(json, "max_background", n.max_background);
	json_bool(json, "opens", n.opens);
	json_bool(json, "opendirs", n.opendirs);
	json_open_array(json, "features");
	for (unsigned i = 0; (name = fs_feature_name(i)); i++)
		if (n.features >> i & 1)
			json_text(json, NULL, name);
	if (n.killpriv)
		json_text(json, NULL, "handle-killpriv-v2");
	json_close_array(json);
	json_close_object(json);
}

static void put_counters(const struct fs *fs, struct json *json)
{
	json_open_object(json, "counters");
	for (unsigned i = 0; i < COUNTER_MAX; i++)
		json_number(json, counter_name(i), fs_counter(fs, i));
	json_close_object(json);
}

/* [n, count] says: so many took from 2^n to 2^(n+1) - 1 ns. */
static void put_histogram(struct json *json, const char *name, const struct latency_histogram *h)
{
	(void)CHECK(h->count > 0);
	json_open_object(json, name);
	json_number(json, "count", h->count);
	json_number(json, "sum_ns", h->sum);
	json_open_array(json, "buckets");
	for (unsigned i = 0; i < LATENCY_BUCKETS; i++) {
		if (!h->bucket[i])
			continue;
		json_open_array(json, NULL);
		json_number(json, NULL, i);
		json_number(json, NULL, h->bucket[i]);
		json_close_array(json);
	}
	json_close_array(json);
	json_close_object(json);
}

static void put_latencies(const struct fs *fs, struct json *json)
{
	struct latency_histogram h;

	json_open_object(json, "latencies");
	for (unsigned i = 0; i < LATENCY_OPERATIONS; i++) {
		const char *name = fs_operation_name(i);

		fs_latency(fs, i, &h);
		if (name && h.count)
			put_histogram(json, name, &h);
	}
	json_close_object(json);
}

static void put_figures(struct fs *fs, struct json *json)
{
	struct fs_figures f;

	fs_figures(fs, &f);
	json_open_object(json, "sizes");
	json_number(json, "inodes", f.inodes);
	json_number(json, "directories_open", f.directories_open);
	json_number(json, "files_open", f.files_open);
	json_number(json, "descriptors_max", f.descriptors_max);
	json_number(json, "listing_bytes_max", f.listing_bytes_max);
	json_number(json, "resident_bytes", os_resident_bytes());
	json_number(json, "changes_waiting", f.changes_waiting);
	json_close_object(json);
}

static void put_features(struct json *json)
{
	_cleanup_free_ char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return;
	fs_print_features(out);
	if (fclose(out) != 0)
		return;
	text[strcspn(text, "\n")] = '\0';
	json_bytes(json, "features", text);
}

void control_answer_status(const struct control_union *u, struct json *json)
{
	char name[CONTROL_NAME_SIZE];

	(void)CHECK(u->fs && u->set);
	control_name(u->dev, name);
	json_text(json, "schema", "plyfs.status/1");
	json_text(json, "version", PLYFS_VERSION);
	put_features(json);
	json_number(json, "pid", (uint64_t)getpid());
	json_text(json, "dev", name);
	json_bytes(json, "mountpoint", u->opt->mountpoint);
	json_bytes(json, "directory", u->directory);
	json_number(json, "uptime_ms", os_now_ms() - u->since);
	json_bool(json, "frozen", fs_is_frozen(u->fs));
	json_number(json, "layers", u->set->n + u->set->n_data);
	put_options(u->opt, json);
	put_probed(u->set, json);
	put_negotiated(u->fs, json);
	put_counters(u->fs, json);
	put_latencies(u->fs, json);
	put_figures(u->fs, json);
}

/* --- layers ------------------------------------------------------------------------------------------------------- */

static void put_layer(const struct layer_set *set, const struct layer *l, struct json *json)
{
	json_open_object(json, NULL);
	json_number(json, "index", l->index);
	json_text(json, "role", l->upper ? "upper" : l->index >= set->n ? "data" : "lower");
	json_bytes(json, "path", l->path);
	json_bool(json, "cloned", l->cloned);
	json_bool(json, "xattrs", l->has_xattr);
	json_bool(json, "handles", l->has_handles);
	json_bool(json, "cached", layer_cache_is_used(l));
	json_number(json, "file_system", l->fs);
	json_close_object(json);
}

void control_answer_layers(const struct control_union *u, unsigned from, struct json *json)
{
	unsigned n = u->set->n + u->set->n_data, next = MIN(from, n);

	json_text(json, "schema", "plyfs.layers/1");
	json_number(json, "count", n);
	json_open_array(json, "layers");
	for (; next < n && next - from < CONTROL_LAYERS; next++) {
		(void)CHECK(u->set->layers[next].path);
		put_layer(u->set, &u->set->layers[next], json);
	}
	json_close_array(json);
	if (next < n)
		json_number(json, "next", next);
}

/* --- explain ------------------------------------------------------------------------------------------------------ */

static void put_type(struct json *json, mode_t mode)
{
	static const struct {
		mode_t type;
		const char *word;
	} types[] = {
		{S_IFREG, "file"},	   {S_IFDIR, "directory"}, {S_IFLNK, "symlink"}, {S_IFCHR, "character device"},
		{S_IFBLK, "block device"}, {S_IFIFO, "fifo"},	   {S_IFSOCK, "socket"},
	};

	for (unsigned i = 0; i < ARRAY_SIZE(types); i++)
		if ((mode & S_IFMT) == types[i].type)
			json_text(json, "type", types[i].word);
}

static void put_say(const struct tree_say *say, struct json *json)
{
	static const char *const roles[] = {[TREE_SAY_HIDDEN] = "hidden",
					    [TREE_SAY_TOP] = "top",
					    [TREE_SAY_PART] = "part",
					    [TREE_SAY_DATA] = "data"};
	static const char *const whys[] = {
		[TREE_WHY_SHOWN] = "shown",   [TREE_WHY_OBJECT] = "object",	[TREE_WHY_WHITEOUT] = "whiteout",
		[TREE_WHY_OPAQUE] = "opaque", [TREE_WHY_REDIRECT] = "redirect", [TREE_WHY_INDEX] = "index",
		[TREE_WHY_ERROR] = "error",
	};

	(void)CHECK((unsigned)say->role < ARRAY_SIZE(roles) && (unsigned)say->why < ARRAY_SIZE(whys));
	json_open_object(json, NULL);
	json_number(json, "layer", say->layer);
	json_text(json, "role", roles[say->role]);
	json_bool(json, "object", say->object);
	json_bool(json, "whiteout", say->whiteout);
	if (say->object) {
		json_text(json, "why", whys[say->why]);
		if (say->by != TREE_WALK_NO_LAYER)
			json_number(json, "by", say->by);
		put_type(json, say->stx.stx_mode);
		json_number(json, "size", say->stx.stx_size);
	}
	json_bool(json, "opaque", say->xattr_flags & XATTR_FLAG_OPAQUE);
	json_bool(json, "redirect", say->xattr_flags & XATTR_FLAG_REDIRECT);
	json_bool(json, "metacopy", say->xattr_flags & XATTR_FLAG_METACOPY);
	if (say->path)
		json_bytes(json, "path", say->path);
	if (say->err < 0)
		json_number(json, "errno", (uint64_t)-say->err);
	json_close_object(json);
}

static void put_shown(const struct tree_walk_entry *e, struct json *json)
{
	_cleanup_free_ char *real = NULL;

	put_type(json, e->stx.stx_mode);
	json_number(json, "layer", e->layer);
	json_bool(json, "indexed", e->indexed);
	json_bool(json, "metacopy", e->metacopy);
	json_bool(json, "overmounted", e->overmounted);
	if (tree_walk_layer_path(e, &real) == 0)
		json_bytes(json, "real_path", real);
	if (e->data_path) {
		json_number(json, "data_layer", e->data_layer);
		json_bytes(json, "data_path", e->data_path);
	}
}

struct explaining {
	struct json *json;
	struct json before; /* the answer without a step */
};

/* Only the last step counts: that of the path itself, or of the last component that any layer has. */
static int explain_to(void *arg, const struct tree_walk_entry *e)
{
	struct explaining *x = arg;
	struct json *json = x->json;

	(void)CHECK(json->len >= x->before.len);
	json->len = x->before.len;
	json->separates = x->before.separates;
	json->failed = x->before.failed;
	json_bytes(json, "path", e->path);
	json_bool(json, "shown", e->shown);
	if (e->err < 0)
		json_number(json, "errno", (uint64_t)-e->err);
	if (e->shown)
		put_shown(e, json);
	json_open_array(json, "says");
	for (unsigned i = 0; i < e->n_says; i++)
		put_say(&e->says[i], json);
	json_close_array(json);
	return 0;
}

int control_answer_explain(const struct control_union *u, const char *path, struct json *json)
{
	struct explaining x = {.json = json};
	int r;

	json_text(json, "schema", "plyfs.explain/1");
	x.before = *json;
	r = tree_explain(u->set, path, explain_to, &x);
	if (r < 0)
		json->len = 0;
	return r;
}

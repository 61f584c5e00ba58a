/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every change of names, of each kind of entry onto each other kind, in each kind of directory: whatever form whiteouts
 * have, and whether or not the file system has renames that exchange and don't replace, and keeps what is removed while
 * it is open, the answers and what shows are those of devices with all renames, which the scenarios rename-matrix
 * compare with the kernel's.
 *
 * A case is a directory of its own, and all cases of a form are one union. What a case starts from is made by changes
 * of the union too.
 */
#include "base/macros.h"
#include "change/names.h"

int __real_os_renameat2(int olddirfd, const char *oldname, int newdirfd, const char *newname, unsigned flags);
int __wrap_os_renameat2(int olddirfd, const char *oldname, int newdirfd, const char *newname, unsigned flags);

static bool plain_renames;

int __wrap_os_renameat2(int olddirfd, const char *oldname, int newdirfd, const char *newname, unsigned flags)
{
	return plain_renames && flags ? -EINVAL : __real_os_renameat2(olddirfd, oldname, newdirfd, newname, flags);
}

/* --- what there is ------------------------------------------------------------------------------------------------ */

/* Kinds of directories: m in a lower layer too, p in the upper alone, o in the place of a lower one that was
 * removed. */
static const char parents[] = {'m', 'p', 'o'};

enum kind { NONE, UP, DIRECTORY, EMPTY, LOW, OVER, GONE, HOLLOW, RENEWED };
static const char *const kind_names[] = {"none", "up", "dir", "empty", "low", "over", "gone", "hollow", "renewed"};

/* Those that need a lower layer are in a directory of kind m alone. */
static bool kind_fits(enum kind kind, char parent)
{
	return parent == 'm' || kind < LOW;
}

enum op { RENAME, NOREPLACE, EXCHANGE, LINK, UNLINK, RMDIR, MKDIR, CREATE };
static const char *const op_names[] = {"rename", "noreplace", "exchange", "link", "unlink", "rmdir", "mkdir", "create"};

struct one {
	unsigned number;
	char old_parent, new_parent;
	enum kind old, new;
	enum op op;
};

static bool is_missing(enum kind kind)
{
	return kind == NONE || kind == GONE;
}

/* What isn't answered before a whiteout matters. */
static bool is_worth_it(const struct one *c)
{
	switch (c->op) {
	case RENAME:
		return true;
	case NOREPLACE:
		return is_missing(c->new) || c->new == UP;
	case EXCHANGE:
		return !is_missing(c->old) && !is_missing(c->new);
	case LINK:
		return (c->old == UP || c->old == LOW || c->old == OVER) && is_missing(c->new);
	default: /* of one name */
		return c->new == NONE && c->new_parent == 'm';
	}
}

/* The next case after `c`, or the first of all; false at the end. */
static bool next_case(struct one *c)
{
	static const unsigned bases[] = {ARRAY_SIZE(parents), ARRAY_SIZE(kind_names), ARRAY_SIZE(parents),
					 ARRAY_SIZE(kind_names), ARRAY_SIZE(op_names)};
	static unsigned digits[5];
	bool first = c->number == 0;

	if (first)
		memset(digits, 0, sizeof(digits));
	for (;;) {
		unsigned i = 0;

		while (!first && i < 5 && ++digits[i] == bases[i])
			digits[i++] = 0;
		if (i == 5)
			return false;
		first = false;
		*c = (struct one){.number = c->number,
				  .old_parent = parents[digits[0]],
				  .old = digits[1],
				  .new_parent = parents[digits[2]],
				  .new = digits[3],
				  .op = digits[4]};
		if (!kind_fits(c->old, c->old_parent) || !kind_fits(c->new, c->new_parent) || !is_worth_it(c))
			continue;
		c->number++;
		return true;
	}
}

static void describe(const struct one *c, char *ret, size_t size)
{
	snprintf(ret, size, "%s %c/%s %c/%s", op_names[c->op], c->old_parent, kind_names[c->old], c->new_parent,
		 kind_names[c->new]);
}

/* --- the lower layer ---------------------------------------------------------------------------------------------- */

static bool make_lower_entry(const struct one *c, const char *name, enum kind kind)
{
	char path[64];

	UNIT_PRINT(path, "l1/c%u/m/%s", c->number, name);
	if (kind == LOW || kind == OVER || kind == GONE)
		return make_file(path, "low", 0644);
	if (kind != HOLLOW && kind != RENEWED)
		return true;
	if (mkdir(path, 0755) < 0)
		return false;
	UNIT_PRINT(path, "l1/c%u/m/%s/f", c->number, name);
	return make_file(path, "low", 0644);
}

static bool make_lower(const struct one *c)
{
	static const char *const dirs[] = {"", "/m", "/o"};
	char path[64];

	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
		UNIT_PRINT(path, "l1/c%u%s", c->number, dirs[i]);
		if (mkdir(path, 0755) < 0)
			return false;
	}
	UNIT_PRINT(path, "l1/c%u/o/z", c->number);
	return make_file(path, "low", 0644) && make_lower_entry(c, "a", c->old) && make_lower_entry(c, "b", c->new);
}

/* --- changes, with the copy-ups that they need -------------------------------------------------------------------- */

static bool copy_up(struct uni *u, const char *path)
{
	struct inode *inode = uni_find(u, path);

	return inode && copyup_now(u->writer, inode, COPYUP_FULL) == 0;
}

static int do_once(struct uni *u, enum op op, const char *old, const char *new)
{
	static const unsigned flags[] = {[RENAME] = 0, [NOREPLACE] = RENAME_NOREPLACE, [EXCHANGE] = RENAME_EXCHANGE};

	switch (op) {
	case LINK:
		return uni_find(u, old) ? names_link(u, old, new) : -ENOENT;
	case UNLINK:
		return names_unlink(u, old);
	case RMDIR:
		return names_rmdir(u, old);
	case MKDIR:
		return names_create(u, old, S_IFDIR | 0755);
	case CREATE:
		return names_create(u, old, S_IFREG | 0644);
	default:
		return names_rename(u, old, new, flags[op]);
	}
}

static bool copy_up_parent(struct uni *u, const char *path)
{
	char dir[64];

	UNIT_PRINT(dir, "%.*s", (int)(strrchr(path, '/') - path), path);
	return copy_up(u, dir);
}

/* Whoever asks for a change is told what has to be in the upper. */
static int do_change(struct uni *u, enum op op, const char *old, const char *new)
{
	int r = do_once(u, op, old, new);

	if (r != -LOOK_AGAIN)
		return r;
	if (!copy_up_parent(u, old) || (new && !copy_up_parent(u, new)))
		return -LOOK_AGAIN;
	r = do_once(u, op, old, new);
	if (r == -LOOK_AGAIN && copy_up(u, old) && (op != EXCHANGE || copy_up(u, new)))
		r = do_once(u, op, old, new);
	return r;
}

static bool write_content(struct uni *u, const char *path, const char *text)
{
	struct inode *inode = uni_find(u, path);
	int fd = inode ? inode_open(u->tree, inode, O_RDWR, NULL) : -1;
	bool good = fd >= 0 && pwrite(fd, text, strlen(text), 0) == (ssize_t)strlen(text);

	if (fd >= 0)
		os_close(fd);
	return good;
}

static bool make_content(struct uni *u, const char *dir)
{
	char path[64];

	UNIT_PRINT(path, "%s/x", dir);
	return !do_change(u, CREATE, path, NULL) && write_content(u, path, "in");
}

static bool make_entry(struct uni *u, const char *path, enum kind kind)
{
	char inside[64];

	UNIT_PRINT(inside, "%s/f", path);
	switch (kind) {
	case UP:
		return !do_change(u, CREATE, path, NULL) && write_content(u, path, "up");
	case DIRECTORY:
		return !do_change(u, MKDIR, path, NULL) && make_content(u, path);
	case EMPTY:
		return !do_change(u, MKDIR, path, NULL);
	case OVER:
		return copy_up(u, path) && write_content(u, path, "ovr");
	case GONE:
		return !do_change(u, UNLINK, path, NULL);
	case HOLLOW:
		return !do_change(u, UNLINK, inside, NULL);
	case RENEWED:
		return !do_change(u, UNLINK, inside, NULL) && !do_change(u, RMDIR, path, NULL) &&
		       !do_change(u, MKDIR, path, NULL) && make_content(u, path);
	default:
		return true;
	}
}

static bool make_parents(struct uni *u, const char *at)
{
	char path[64], inside[64];

	UNIT_PRINT(path, "%s/p", at);
	if (do_change(u, MKDIR, path, NULL))
		return false;
	UNIT_PRINT(path, "%s/o", at);
	UNIT_PRINT(inside, "%s/o/z", at);
	return !do_change(u, UNLINK, inside, NULL) && !do_change(u, RMDIR, path, NULL) &&
	       !do_change(u, MKDIR, path, NULL);
}

/* --- all cases in one form ---------------------------------------------------------------------------------------- */

#define CASES_MAX 700

struct form {
	const char *title;
	enum whiteout_form whiteouts;
	bool plain_renames;
};

/* What one form answers and shows. */
struct outcome {
	int answers[CASES_MAX + 1];
	char shows[CASES_MAX + 1][160]; /* and after a remount, where that differs */
};

static void view_case(struct tree *tree, struct uni *u, unsigned number, struct view *ret)
{
	char name[16];
	struct inode *inode = NULL;
	struct resolved r;

	ret->text[0] = '\0';
	UNIT_PRINT(name, "c%u", number);
	if (resolve_child(tree, tree->root, name, &r) == 0 && inode_intern(tree, tree->root, name, &r, &inode) == 0)
		view_dir(tree, inode, "", ret);
	resolved_finish(&r);
}

static void run_case(struct uni *u, const struct one *c, struct outcome *out)
{
	char at[16], old[32], new[32];
	struct view view;

	UNIT_PRINT(at, "c%u", c->number);
	UNIT_PRINT(old, "%s/%c/a", at, c->old_parent);
	UNIT_PRINT(new, "%s/%c/b", at, c->new_parent);
	if (!make_parents(u, at) || !make_entry(u, old, c->old) || !make_entry(u, new, c->new)) {
		UNIT_FAIL("case %u can't be made", c->number);
		return;
	}
	out->answers[c->number] = do_change(u, c->op, old, c->op >= UNLINK ? NULL : new);
	view_case(u->tree, u, c->number, &view);
	UNIT_PRINT(out->shows[c->number], "%s", view.text);
}

/* What a later mount shows is the same. */
static void compare_fresh(struct uni *u, struct outcome *out)
{
	static const struct tree_limits limits = {.max_dirfds = 64, .max_listing_bytes = 1 << 20};
	struct tree *tree;
	struct view view;

	ASSERT_INT(tree_new(u->f.set, &limits, &tree), 0);
	for (struct one c = {0}; next_case(&c);) {
		char title[64];

		view_case(tree, u, c.number, &view);
		if (!strcmp(view.text, out->shows[c.number]))
			continue;
		describe(&c, title, sizeof(title));
		UNIT_FAIL("%s: shows after a remount:\n%sand before:\n%s", title, view.text, out->shows[c.number]);
	}
	tree_free(tree);
}

static void run_form(const struct form *form, struct outcome *out)
{
	UNI(u);
	for (struct one c = {0}; next_case(&c);)
		ASSERT(c.number <= CASES_MAX && make_lower(&c));
	ASSERT(uni_open(&u, UNI_LAYERS ",volatile,redirect_dir=off"));
	u.f.set->whiteout_form = form->whiteouts;
	u.f.set->aufs = form->whiteouts == WHITEOUT_AUFS;
	u.f.set->has_upper_xattr = form->whiteouts != WHITEOUT_AUFS;
	u.f.set->has_rename_whiteout = !form->plain_renames;
	u.f.set->removed = form->plain_renames ? REMOVED_HIDES : REMOVED_STAYS;
	plain_renames = form->plain_renames;
	for (struct one c = {0}; next_case(&c);)
		run_case(&u, &c, out);
	compare_fresh(&u, out);
	EXPECT(tree_check(u.tree));
	plain_renames = false;
}

/* What two objects do alone where the file system has no exchange. */
static bool is_impossible(const struct form *form, const struct one *c, const struct outcome *want,
			  const struct outcome *got)
{
	return form->plain_renames && c->op == EXCHANGE && want->answers[c->number] == 0 &&
	       got->answers[c->number] == -EINVAL;
}

static void compare(const struct form *form, const struct outcome *want, const struct outcome *got)
{
	for (struct one c = {0}; next_case(&c);) {
		char title[64];

		if (is_impossible(form, &c, want, got))
			continue;
		if (want->answers[c.number] == got->answers[c.number] &&
		    !strcmp(want->shows[c.number], got->shows[c.number]))
			continue;
		describe(&c, title, sizeof(title));
		UNIT_FAIL("%s: %s: answers %d and shows:\n%sin the place of %d and\n%s", form->title, title,
			  got->answers[c.number], got->shows[c.number], want->answers[c.number], want->shows[c.number]);
	}
}

static void run_forms(void)
{
	static const struct form forms[] = {
		{.title = "devices", .whiteouts = WHITEOUT_DEVICE},
		{.title = "devices, plain renames", .whiteouts = WHITEOUT_DEVICE, .plain_renames = true},
		{.title = "attributes", .whiteouts = WHITEOUT_XATTR},
		{.title = "attributes, plain renames", .whiteouts = WHITEOUT_XATTR, .plain_renames = true},
		{.title = "names", .whiteouts = WHITEOUT_AUFS},
		{.title = "names, plain renames", .whiteouts = WHITEOUT_AUFS, .plain_renames = true},
	};
	static struct outcome want, got;

	/* Thousands of objects, for which a disk would take long. */
	ASSERT_INT(mount("forms", "/tmp", "tmpfs", 0, NULL), 0);
	run_form(&forms[0], &want);
	for (size_t i = 1; i < ARRAY_SIZE(forms); i++) {
		memset(&got, 0, sizeof(got));
		run_form(&forms[i], &got);
		compare(&forms[i], &want, &got);
	}
}

TEST("a change of names answers and shows the same, whatever form whiteouts have and whatever renames there are")
{
	NEEDS_ROOT();
	run_in_namespaces(CLONE_NEWNS, run_forms);
}

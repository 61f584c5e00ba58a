/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fault points. Every os_ call that mutates or syncs passes one. In builds with PLYFS_FAULTS=ON the Nth call in a scope
 * (a kind of change) can fail or kill the process. Other builds compile fault points away. The environment configures
 * them:
 *
 *	PLYFS_FAULT=kill:SCOPE:N | kill-after:SCOPE:N | fail:SCOPE:N:ERRNO
 *	PLYFS_FAULT_COUNT=FILE    "SCOPE N" lines at exit
 *	PLYFS_FAULT_MAX_PINNED=N  descriptors that hold orphans, so that a test meets the limit with one file
 */
#ifndef BASE_FAULT_H
#define BASE_FAULT_H

enum fault_scope {
	FAULT_NONE,
	FAULT_COPYUP,
	FAULT_CREATE,
	FAULT_REMOVE,
	FAULT_RENAME,
	FAULT_ATTR,
	FAULT_XATTR,
	FAULT_MOUNT,
	FAULT_APPLY, /* plyctl apply */
	FAULT_SCOPE_MAX
};

#ifdef PLYFS_FAULTS
/* Reads the environment; a malformed value ends the process with a line on stderr. */
void fault_init(void);
/* Sets the scope of the calling thread and returns the former one. */
enum fault_scope fault_scope_set(enum fault_scope scope);
/* Called before a system call. Returns 0, or the negative errno with which the call shall fail. May not return. */
int fault_before(void);
/* Called after a successful call. May not return. */
void fault_after(void);
/* Writes the counts to the file of PLYFS_FAULT_COUNT. */
void fault_write_counts(void);
/* The number in the environment variable, or `number` without it. */
unsigned fault_setting(const char *name, unsigned number);
#else
static inline void fault_init(void)
{
}
static inline enum fault_scope fault_scope_set(enum fault_scope scope)
{
	return FAULT_NONE;
}
static inline int fault_before(void)
{
	return 0;
}
static inline void fault_after(void)
{
}
static inline void fault_write_counts(void)
{
}
static inline unsigned fault_setting(const char *name, unsigned number)
{
	return number;
}
#endif

static inline void fault_scope_restore(enum fault_scope *before)
{
	fault_scope_set(*before);
}

#define FAULT_SCOPE_NAME2(line) _fault_before_##line
#define FAULT_SCOPE_NAME(line) FAULT_SCOPE_NAME2(line)
/* The rest of the block runs in `scope`. */
#define FAULT_SCOPE(scope)                                                                                             \
	enum fault_scope FAULT_SCOPE_NAME(__LINE__) __attribute__((cleanup(fault_scope_restore), unused)) =            \
		fault_scope_set(scope)

#endif

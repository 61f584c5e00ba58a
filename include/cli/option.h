/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command line: one table of options. The parser, --help, the manual's table and lists, and the shell completions
 * come from it.
 *
 * Nothing here touches the system. Paths are taken as they are written (relative ones stay relative). The caller
 * parses, reports, and only then opens anything. An option that would change owners, modes, durability or visible
 * content is either obeyed or refused, never skipped silently.
 *
 * There are two calling forms, chosen by the base name of argv[0]. Under any name that begins with "mount." it is the
 * second:
 *
 *	plyfs [-f] [-d] [-o OPT[,OPT..]].. [SOURCE] MOUNTPOINT
 *	mount.fuse.plyfs SOURCE TARGET [-sfnvrw] [-t TYPE] [-o OPT[,OPT..]]
 *
 * Under the name fuse-overlayfs (also behind "mount.fuse." and "mount.fuse3.") unknown options are ignored with a
 * warning.
 *
 * Syntax of -o: options are separated by commas; empty ones are skipped; `\,` is a comma within a value. In every value
 * that is a path a backslash takes the special meaning from the next character: `\:`, `\,`, `\\`. The values of
 * context=, fscontext=, defcontext= and rootcontext= may stand in double quotes and then hold commas. An option that is
 * given again replaces its earlier value. lowerdir= replaces all lower layers given before it; lowerdir+= and datadir+=
 * add one.
 */
#ifndef CLI_OPTION_H
#define CLI_OPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format/idmap.h"
#include "layer/stack.h"

/* ---- the table ---- */

enum option_class {
	OPTION_EFFECTIVE, /* has the described effect */
	OPTION_ACCEPTED,  /* accepted without effect; nothing that matters depends on it */
	OPTION_WARNED,	  /* accepted without effect, with a warning on stderr */
	OPTION_REFUSED,	  /* exit status 1 before mounting */
	OPTION_VFS,	  /* a mount flag; handed to the kernel */
	OPTION_LIBFUSE,	  /* handed to libfuse */
	OPTION_MOUNT,	  /* for mount(8) and fstab, without effect here */
};

enum option_arg {
	OPTION_ARG_NONE,
	OPTION_ARG_PATH,
	OPTION_ARG_LAYERS, /* colon-separated paths */
	OPTION_ARG_MAP,	   /* format/idmap.h */
	OPTION_ARG_NUMBER,
	OPTION_ARG_SECONDS,
	OPTION_ARG_SIZE,   /* a number with an optional K, M, G or T */
	OPTION_ARG_BOOL,   /* 0 or 1; also off/on, no/yes, false/true; without a value: 1 */
	OPTION_ARG_CHOICE, /* one of `choices` */
	OPTION_ARG_TEXT,   /* anything */
	OPTION_ARG_QUOTED, /* anything, in double quotes if it holds commas */
};

struct option_choice {
	const char *word; /* NULL ends a list */
	int value;
	const char *refusal; /* why this choice is refused; NULL: it is accepted */
};

struct option_desc {
	const char *name; /* without "="; a trailing "*" matches any rest */
	enum option_arg arg;
	enum option_class class;
	const char *placeholder; /* of the value: "DIR"; NULL without one */
	const char *fallback;	 /* the default, in words; NULL: none */
	const char *help;	 /* one line, no full stop */
	const char *manual;	 /* further sentences for the manual, plain text; may be NULL */
	const struct option_choice *choices;
	/* why it is refused, for OPTION_REFUSED; the value is checked first, and an empty map passes */
	const char *refusal;
	bool value_optional;   /* "name" alone is accepted too; it means the first choice */
	unsigned short where;  /* offset of its field in struct options; 0: none */
	unsigned long vfs_set; /* mount(2) flags that the option sets and clears */
	unsigned long vfs_clear;
};

/* All options of -o, in the order of the manual. */
const struct option_desc *option_table(size_t *ret_count);
/* The option for a name as written before the "=", or NULL. */
const struct option_desc *option_find(const char *name, size_t len);
/* "effective", "accepted without effect" ..., as in the manual. */
const char *option_class_name(const struct option_desc *desc);

/* ---- the result ---- */

enum xino { XINO_AUTO, XINO_OFF, XINO_ON };
enum fsync_mode { FSYNC_AUTO, FSYNC_STRICT, FSYNC_VOLATILE, FSYNC_NONE };
enum copyup_when { COPYUP_AT_WRITE, COPYUP_AT_OPEN };
enum data_mode { DATA_AUTO, DATA_CACHED, DATA_PASSTHROUGH };
/* AUTO: if idle processors halt, in a virtual machine. */
enum low_latency { LOW_LATENCY_AUTO, LOW_LATENCY_ON, LOW_LATENCY_OFF };
enum verity_mode { VERITY_OFF, VERITY_ON, VERITY_REQUIRE };

/* The default of timeout=: layers don't change beneath a mount. In seconds; libfuse cuts it to the kernel's maximum. */
#define OPTIONS_TIMEOUT_FOREVER 1e9

struct option_list {
	char **items;
	size_t count;
};

/*
 * Owned by the caller, released by options_free. Strings are NULL if not given. Fields of features that this version
 * refuses keep their defaults.
 */
struct options {
	/* how it was called */
	char *program;	     /* base name of argv[0]: "plyfs", "fuse-overlayfs", without "mount.fuse." */
	bool mount_helper;   /* mount(8)'s calling form */
	bool fuse_overlayfs; /* called under that name */
	/* called by a container engine: under that name, or a lower layer has the path of an image's layer */
	bool image_layers;
	bool help, version;
	bool foreground; /* -f, and implied by -d */
	bool debug;
	bool fake;    /* mount -f: check everything, mount nothing, exit 0 */
	char *source; /* operand before the mountpoint; no layer */
	/* mount -N: the file of a mount namespace for all paths, or the number of a process */
	char *mount_ns;
	char *mountpoint; /* set unless help or version */

	/* layers, topmost first, data-only ones last */
	struct stack_layer *layers; /* paths unescaped */
	size_t layer_count;
	char *upperdir, *workdir; /* both or neither, unless shows_upper */
	/* the first layer is the upper of another mount, and workdir is that of the other mount */
	bool shows_upper;

	/* behaviour */
	double timeout;
	bool volatile_upper; /* volatile, fsync=volatile */
	int fsync;	     /* enum fsync_mode; FSYNC_NONE answers fsync at once, without syncing */
	bool userxattr;	     /* as asked for; without privilege the caller sets it by itself */
	bool noacl, noxattrs;
	bool static_nlink, ino32, squash_to_root;
	bool writeback, io_uring;
	int copyup;			       /* enum copyup_when */
	int data;			       /* enum data_mode */
	int low_latency;		       /* enum low_latency */
	int whiteouts;			       /* enum whiteouts */
	int redirect_dir;		       /* enum redirect_dir */
	int xino;			       /* enum xino */
	int verity;			       /* enum verity_mode */
	int uuid;			       /* enum uuid_mode */
	int index;			       /* enum index_mode */
	int metacopy;			       /* enum metacopy_mode */
	int nfs_export;			       /* 0 or 1 */
	int xattr_permissions;		       /* 0, 1 or 2 */
	uint32_t squash_to_uid, squash_to_gid; /* ID_UNSET */
	struct idmap uidmap, gidmap;
	char *layer_cache, *cgroup;
	uint64_t cache_max; /* bytes; 0: the daemon's own choice */

	/* running */
	char *log, *pidfile, *lock, *control_socket;
	uint32_t max_write, max_readahead, max_background; /* 0: the daemon's own choice */

	/* the mount, with the defaults that depend on privilege */
	unsigned long vfs_flags; /* MS_* to mount with */
	bool default_permissions, allow_other, allow_root, auto_unmount;
	char *fsname, *subtype;				      /* always set */
	uint32_t max_read;				      /* 0: not given */
	char *context, *fscontext, *defcontext, *rootcontext; /* with their quotes, as given; NULL without SELinux */

	/* whole lines for stderr: "plyfs: plugins: ...", and "unknown argument ignored: X" as tools expect it */
	struct option_list warnings;

	/* the parser's own, see option.c */
	unsigned long vfs_given;
	bool allow_other_given;
};

struct option_env {
	bool privileged; /* euid 0, also in a user namespace: decides the defaults allow_other, suid, dev */
	bool selinux;	 /* without it the kernel has no labels, and context= and similar options are dropped */
};

/* One line without a newline, "OPTION: VALUE: CAUSE" or "CAUSE", to print as "plyfs: %s". */
#define OPTION_ERROR_SIZE 512
struct option_error {
	int status; /* 1: refused, 2: usage */
	char text[OPTION_ERROR_SIZE];
};

/*
 * Parses argv. 0: *ret must be released by options_free. -EINVAL with *ret_error filled; -ENOMEM (ret_error says so).
 * After an error *ret holds nothing to release.
 */
int options_parse(int argc, char *const *argv, const struct option_env *env, struct options *ret,
		  struct option_error *ret_error);
void options_free(struct options *options);
/* For a read-only mount: makes the upper the first layer. It may change meanwhile, so the layers are looked at again
 * each time. workdir stays, because it has the index. -ENOMEM. */
int options_show_upper(struct options *options);

/* The options' part about the layers. Everything in it is borrowed from them. */
struct stack_spec options_stack(const struct options *options);

/* ---- texts; all are heap strings that the caller frees, NULL when memory is short ---- */

/*
 * The value of fusermount3's -o (commas and backslashes escaped). It has only options that version 3.14 knows. The
 * caller sets nodiratime, strictatime, lazytime and nosymfollow itself. Mount flags without a meaning for a FUSE file
 * system (relatime, mand ...) are left out.
 */
char *options_helper_string(const struct options *options);
/* The options of mount(2) for type fuse, without those of the session and its user; empty if there are none. */
char *options_kernel_string(const struct options *options);
/* --help */
char *option_help_text(const char *program);
/* The manual's table of options, scdoc source. */
char *option_manual_table(void);
/* The manual's lists of descriptions, scdoc source: one of the options with an effect, one of those without or
 * refused. */
char *option_manual_list(void);
char *option_manual_idle_list(void);
/* One line an option: "name", "name=" or "name=choice", for completions. */
char *option_word_list(void);
/* One line an option whose value is a path or a list of paths: "name=", for completions. */
char *option_path_list(void);

#endif

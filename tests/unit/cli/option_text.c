/* SPDX-License-Identifier: Apache-2.0 */
#include <sys/mount.h>

#include "option_helpers.h"

static const char *string_of(char *(*make)(const struct options *), bool privileged, const char *given)
{
	static char kept[1024];
	char line[512], *text;

	snprintf(line, sizeof(line), "plyfs -o lowerdir=/a,upperdir=/u,workdir=/w%s /m", given);
	if (parse_as(privileged, line) < 0)
		return error.text;
	text = make(&opts);
	snprintf(kept, sizeof(kept), "%s", text ? text : "(null)");
	free(text);
	options_free(&opts);
	return kept;
}

static const char *helper_string(bool privileged, const char *given)
{
	return string_of(options_helper_string, privileged, given);
}

static const char *kernel_string(bool privileged, const char *given)
{
	return string_of(options_kernel_string, privileged, given);
}

TEST("mount(2) gets the options of the file system, labels with their quotes, and nothing else")
{
	EXPECT_STR(kernel_string(true, ",ro,fsname=a\\,b,noexec"), "default_permissions,allow_other");
	EXPECT_STR(kernel_string(false, ""), "default_permissions");
	EXPECT_STR(kernel_string(true, ",allow_root,max_read=4096"), "default_permissions,allow_other,max_read=4096");
	EXPECT_STR(kernel_string(false, ",context=\"u:r:t:s0:c1,c2\",rootcontext=u:r:t"),
		   "default_permissions,context=\"u:r:t:s0:c1,c2\",rootcontext=u:r:t");
}

TEST("root's mounts let others, suid programs and devices in, a user's don't")
{
	EXPECT_STR(helper_string(true, ""), "rw,suid,dev,default_permissions,allow_other,fsname=plyfs,subtype=plyfs");
	EXPECT_STR(helper_string(false, ""), "rw,nosuid,nodev,default_permissions,fsname=plyfs,subtype=plyfs");
}

TEST("a union without an upper is mounted read-only, also when rw is given")
{
	ASSERT_INT(parse_as(true, "plyfs -o lowerdir=/a,rw /m"), 0);
	EXPECT(opts.vfs_flags & MS_RDONLY);
	options_free(&opts);
}

TEST("every mount flag given wins over the defaults, the last one over earlier ones")
{
	EXPECT_STR(helper_string(true, ",nosuid,nodev,ro,noexec,noatime,sync"),
		   "ro,nosuid,nodev,noexec,sync,noatime,default_permissions,allow_other,fsname=plyfs,subtype=plyfs");
	EXPECT_STR(helper_string(true, ",dirsync"),
		   "rw,suid,dev,dirsync,default_permissions,allow_other,fsname=plyfs,subtype=plyfs");
	EXPECT_STR(helper_string(false, ",suid,dev"), "rw,suid,dev,default_permissions,fsname=plyfs,subtype=plyfs");
	EXPECT_STR(helper_string(true, ",nosuid,suid,ro,rw,sync,async,noexec,exec"),
		   "rw,suid,dev,default_permissions,allow_other,fsname=plyfs,subtype=plyfs");
}

TEST("allow_root takes the place of root's allow_other, both together are refused")
{
	EXPECT_STR(helper_string(true, ",allow_root"),
		   "rw,suid,dev,default_permissions,allow_other,fsname=plyfs,subtype=plyfs");
	EXPECT_STR(helper_string(true, ",allow_root,allow_other"), "allow_root: excludes allow_other");
	EXPECT_STR(helper_string(false, ",allow_other,auto_unmount,max_read=4096"),
		   "rw,nosuid,nodev,default_permissions,allow_other,auto_unmount,max_read=4096,fsname=plyfs,subtype="
		   "plyfs");
}

TEST("names given win, and are escaped for fusermount3")
{
	EXPECT_STR(helper_string(true, ",fsname=a\\,b\\\\c,subtype=x"),
		   "rw,suid,dev,default_permissions,allow_other,fsname=a\\,b\\\\c,subtype=x");
}

TEST("flags that fusermount3 doesn't know are taken, kept and not handed to it; strictatime isn't taken back by "
     "relatime")
{
	ASSERT_INT(parse("plyfs -o lowerdir=/a,upperdir=/u,workdir=/w,nodiratime,relatime,lazytime,mand /m"), 0);
	EXPECT_INT(opts.vfs_flags, MS_NODIRATIME | MS_RELATIME | MS_LAZYTIME | MS_MANDLOCK);
	options_free(&opts);
	ASSERT_INT(parse("plyfs -o lowerdir=/a,upperdir=/u,workdir=/w,symfollow,nosymfollow,"
			 "strictatime,relatime,iversion /m"),
		   0);
	EXPECT_INT(opts.vfs_flags, MS_NOSYMFOLLOW | MS_STRICTATIME | MS_RELATIME);
	options_free(&opts);
	EXPECT_STR(helper_string(true, ",strictatime,diratime,nomand,nolazytime,silent,loud,norelatime,nostrictatime,"
				       "nosymfollow,symfollow,noiversion"),
		   "rw,suid,dev,default_permissions,allow_other,fsname=plyfs,subtype=plyfs");
}

TEST("every option of the table is found by its name, once, and is complete")
{
	size_t count;
	const struct option_desc *table = option_table(&count);

	for (size_t i = 0; i < count; i++) {
		const struct option_desc *desc = &table[i];
		bool boolean = desc->arg == OPTION_ARG_NONE || desc->arg == OPTION_ARG_BOOL;

		if (option_find(desc->name, strlen(desc->name)) != desc)
			UNIT_FAIL("%s is hidden by another", desc->name);
		if (!desc->help || (desc->arg != OPTION_ARG_CHOICE) != !desc->choices)
			UNIT_FAIL("%s lacks help or choices", desc->name);
		if ((desc->class == OPTION_REFUSED) != !!desc->refusal)
			UNIT_FAIL("%s is refused without a cause, or has a cause and isn't", desc->name);
		if (!boolean && desc->arg != OPTION_ARG_CHOICE && !desc->placeholder)
			UNIT_FAIL("%s has no placeholder", desc->name);
		if ((desc->arg == OPTION_ARG_CHOICE || desc->arg == OPTION_ARG_MAP) && !desc->where)
			UNIT_FAIL("%s has no field", desc->name);
		if (desc->class == OPTION_EFFECTIVE && !desc->where && strncmp(desc->name, "lowerdir", 8) != 0 &&
		    strcmp(desc->name, "datadir+"))
			UNIT_FAIL("%s is effective and nobody can see it", desc->name);
	}
}

TEST("help names every option, with the class of those that have no effect")
{
	size_t count;
	const struct option_desc *table = option_table(&count);
	char *text = option_help_text("plyfs");

	ASSERT(text);
	EXPECT(!strncmp(text, "Usage: plyfs [-f] [-d] [-o ", 27));
	for (size_t i = 0; i < count; i++)
		if (!strstr(text, table[i].name))
			UNIT_FAIL("%s is missing", table[i].name);
	EXPECT(strstr(text, "plugins=LIST                      plugins of fuse-overlayfs (warned)\n"));
	EXPECT(strstr(text, "metacopy=off|on                   copy-up of metadata without data\n"));
	free(text);
}

static void expect_lines(const char *text)
{
	for (const char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n') {
		size_t len = strcspn(line, "\n") + (*line == '\t' ? 7 : 0);

		if (len > 120)
			UNIT_FAIL("%zu columns: %.60s", len, line);
		if (*line == '\t' && line[1] == '.')
			UNIT_FAIL("scdoc loses the dot: %.60s", line);
	}
}

TEST("the manual's main list has the options with an effect, another one those without, both in lines of 120 columns")
{
	char *list = option_manual_list(), *idle = option_manual_idle_list();

	ASSERT(list && idle);
	EXPECT(!strncmp(list, "*lowerdir*=DIR[:DIR..]\n\tRead-only layers", 39));
	EXPECT(strstr(list, "\n*metacopy*=off|on\n\tCopy-up of metadata without data. With on, "));
	EXPECT(strstr(list, "\n*allow\\_other*\n"));
	EXPECT(!strstr(list, "*threaded*") && !strstr(list, "*plugins*") && !strstr(list, "*remount*"));
	EXPECT(strstr(idle, "\n*threaded*[=0|1]\n"));
	EXPECT(strstr(idle, "\n*plugins*=LIST\n"));
	EXPECT(strstr(idle, "\n*remount*\n\tChange a live mount. Refused: a live mount can't be changed"));
	EXPECT(!strstr(idle, "*lowerdir*") && !strstr(idle, "*allow\\_other*") && !strstr(idle, "*nofail*"));
	expect_lines(list);
	expect_lines(idle);
	free(list);
	free(idle);
}

TEST("the paths for completions are the options that take one")
{
	char *text = option_path_list();

	ASSERT(text);
	EXPECT(!strncmp(text, "lowerdir=\nlowerdir+=\ndatadir+=\nupperdir=\n", 41));
	EXPECT(strstr(text, "\npidfile=\n"));
	EXPECT(!strstr(text, "volatile") && !strstr(text, "fsname"));
	free(text);
}

TEST("the words for completions hold what is taken, and nothing that is refused")
{
	char *text = option_word_list();

	ASSERT(text);
	EXPECT(!strncmp(text, "lowerdir=\nlowerdir+=\ndatadir+=\n", 31));
	EXPECT(strstr(text, "\ncopyup=write\ncopyup=open\n"));
	EXPECT(strstr(text, "\nnoacl\n"));
	EXPECT(!strstr(text, "verity=on"));
	EXPECT(!strstr(text, "remount"));
	EXPECT(!strstr(text, "*"));
	free(text);
}

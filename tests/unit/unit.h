/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A unit test program is one or more files of TEST("title that is a promise") { ... } blocks; this header brings
 * main(). The output is TAP, the exit status 1 when a promise was broken. An EXPECT that fails is printed and the test
 * goes on; an ASSERT that fails ends its test (it returns), for what later lines need. Give part of a title as the
 * first argument to run only the tests whose title contains it.
 *
 *	TEST("an empty value is refused")
 *	{
 *		EXPECT_INT(thing_parse(""), -EINVAL);
 *	}
 *
 * Arguments are evaluated once. EXPECT_INT takes anything that converts to long long, EXPECT_STR takes NULL too.
 */
#ifndef UNIT_H
#define UNIT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct unit_test {
	const char *title;
	void (*run)(void);
	struct unit_test *next;
};

struct unit_state {
	struct unit_test *first;
	struct unit_test **last;
	const char *skipped; /* reason, when the running test skipped itself */
	int failures;	     /* of the running test */
};

/* Weak, so that the files of one program share one list and one main(). */
__attribute__((weak)) struct unit_state unit_state;

static inline void unit_register(struct unit_test *test)
{
	if (!unit_state.last)
		unit_state.last = &unit_state.first;
	*unit_state.last = test;
	unit_state.last = &test->next;
}

#define UNIT_CAT_(a, b) a##b
#define UNIT_CAT(a, b) UNIT_CAT_(a, b)

#define TEST(title_)                                                                                                   \
	static void UNIT_CAT(unit_run_, __LINE__)(void);                                                               \
	__attribute__((constructor)) static void UNIT_CAT(unit_add_, __LINE__)(void)                                   \
	{                                                                                                              \
		static struct unit_test test = {.title = (title_), .run = UNIT_CAT(unit_run_, __LINE__)};              \
		unit_register(&test);                                                                                  \
	}                                                                                                              \
	static void UNIT_CAT(unit_run_, __LINE__)(void)

/* Ends the running test as skipped: for what the machine can't do, with the reason. */
#define SKIP(reason)                                                                                                   \
	do {                                                                                                           \
		unit_state.skipped = (reason);                                                                         \
		return;                                                                                                \
	} while (0)

/* snprintf() into an array that is large enough: what would be cut off ends the program. */
#define UNIT_PRINT(array, ...) unit_print(array, sizeof(array), __VA_ARGS__)

__attribute__((format(printf, 3, 4))) static inline void unit_print(char *ret, size_t size, const char *format, ...)
{
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(ret, size, format, args);
	va_end(args);
	if (len >= 0 && (size_t)len < size)
		return;
	printf("# %d characters don't fit into %zu: %s\n", len, size, ret);
	abort();
}

/* Reports a failure of one's own wording. */
#define UNIT_FAIL(...) unit_fail(__FILE__, __LINE__, __VA_ARGS__)

__attribute__((format(printf, 3, 4))) static inline bool unit_fail(const char *file, int line, const char *format, ...)
{
	va_list args;

	unit_state.failures++;
	printf("# %s:%d: ", file, line);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\n");
	return false;
}

static inline bool unit_check_int(const char *file, int line, const char *what, long long got, long long want)
{
	if (got == want)
		return true;
	unit_state.failures++;
	printf("# %s:%d: %s is %lld, not %lld\n", file, line, what, got, want);
	return false;
}

static inline bool unit_check_str(const char *file, int line, const char *what, const char *got, const char *want)
{
	if (got == want || (got && want && !strcmp(got, want)))
		return true;
	unit_state.failures++;
	printf("# %s:%d: %s is \"%s\", not \"%s\"\n", file, line, what, got ? got : "(null)", want ? want : "(null)");
	return false;
}

#define UNIT_TRUE_(cond) ((cond) ? true : UNIT_FAIL("%s does not hold", #cond))
#define UNIT_INT_(got, want) unit_check_int(__FILE__, __LINE__, #got, (long long)(got), (long long)(want))
#define UNIT_STR_(got, want) unit_check_str(__FILE__, __LINE__, #got, (got), (want))
#define UNIT_MEM_(got, want, size)                                                                                     \
	(!memcmp((got), (want), (size)) ? true : UNIT_FAIL("%s differs from %s", #got, #want))

#define EXPECT(cond) ((void)UNIT_TRUE_(cond))
#define EXPECT_INT(got, want) ((void)UNIT_INT_(got, want))
#define EXPECT_STR(got, want) ((void)UNIT_STR_(got, want))
#define EXPECT_MEM(got, want, size) ((void)UNIT_MEM_(got, want, size))

#define ASSERT(cond)                                                                                                   \
	do {                                                                                                           \
		if (!UNIT_TRUE_(cond))                                                                                 \
			return;                                                                                        \
	} while (0)
#define ASSERT_INT(got, want)                                                                                          \
	do {                                                                                                           \
		if (!UNIT_INT_(got, want))                                                                             \
			return;                                                                                        \
	} while (0)

__attribute__((weak)) int main(int argc, char **argv)
{
	int number = 0, failed = 0;

	for (struct unit_test *test = unit_state.first; test; test = test->next) {
		if (argc > 1 && !strstr(test->title, argv[1]))
			continue;
		unit_state.failures = 0;
		unit_state.skipped = NULL;
		test->run();
		printf("%sok %d - %s%s%s\n", unit_state.failures ? "not " : "", ++number, test->title,
		       unit_state.skipped ? " # SKIP " : "", unit_state.skipped ? unit_state.skipped : "");
		fflush(stdout);
		failed += unit_state.failures != 0;
	}
	printf("1..%d\n", number);
	if (!number)
		printf("# no test ran\n");
	return failed || !number ? 1 : 0;
}

#endif

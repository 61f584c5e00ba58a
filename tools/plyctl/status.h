/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the daemon of a plyfs says of itself, for stat and top. An answer has any numbers and texts: a member that is
 * missing or of another type counts as 0 or as empty.
 */
#ifndef PLYCTL_STATUS_H
#define PLYCTL_STATUS_H

#include "base/latency.h"
#include "plyctl.h"
#include "view/control.h"

struct status {
	char *mountpoint; /* owned */
	json_t *answer;	  /* owned */
};

/* Asks. NULL after one line in *ret_error, which the caller frees. */
struct status *status_ask(struct view_control *control, char **ret_error);
/* Opens, asks and closes. NULL after one line on stderr. */
struct status *status_of(const char *mountpoint);
void status_free(struct status *s);

/* A member of a group: "counters", "sizes"; NULL: of the answer itself. */
uint64_t status_number(const struct status *s, const char *group, const char *name);
const char *status_text(const struct status *s, const char *name);
/* A word of the daemon's for a line of text: what isn't printable ASCII becomes a question mark, and a long one is cut.
 */
#define STATUS_WORD 80
const char *status_word(const char *text, char buf[STATUS_WORD]);
bool status_flag(const struct status *s, const char *name);
/* The histogram of an operation; without requests if there is none. */
void status_histogram(const struct status *s, const char *operation, struct latency_histogram *ret);
/* All operations in one. */
void status_histogram_all(const struct status *s, struct latency_histogram *ret);

/* A share of a whole, as "93%"; "-" of nothing. */
#define PERCENT_TEXT 24
const char *percent_text(uint64_t part, uint64_t whole, char buf[PERCENT_TEXT]);
/* "12us", three digits. */
#define DURATION_TEXT 24
const char *duration_text(uint64_t ns, char buf[DURATION_TEXT]);
/* A count for people: up to 99999 in full, then "123k", "1.2M". */
#define COUNT_TEXT 24
const char *count_text(uint64_t n, char buf[COUNT_TEXT]);
/* The histogram as a row of bars, one for each bucket from SPARK_FIRST on; what is shorter or longer is in the outer
 * ones. */
#define SPARK_FIRST 10
#define SPARK_BARS 22
/* Above the bars. */
#define SPARK_TITLE "1us  33us 1ms  34ms 1s"
#define SPARK_TEXT (3 * SPARK_BARS + 1)
const char *spark_text(const struct latency_histogram *h, char buf[SPARK_TEXT]);

#endif

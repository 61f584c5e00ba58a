/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests of the control socket.
 */
#include "control/protocol.h"

#include <errno.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "unit.h"

static struct control_request request;
static const char *cause;

static int parse(const char *text)
{
	static char line[CONTROL_LINE + 1];
	size_t len = strlen(text);

	if (!UNIT_TRUE_(len <= CONTROL_LINE))
		return -EINVAL;
	memcpy(line, text, len);
	cause = NULL;
	return control_parse(line, len, &request, &cause);
}

TEST("a socket is named by the mount's device, in decimal")
{
	char name[CONTROL_NAME_SIZE];

	control_name(makedev(0, 53), name);
	EXPECT_STR(name, "0:53");
	control_name(makedev(4095, 1048575), name);
	EXPECT_STR(name, "4095:1048575");
}

TEST("each request is known by its op")
{
	EXPECT_INT(parse("{\"op\":\"status\"}"), 0);
	EXPECT_INT(request.op, CONTROL_STATUS);
	EXPECT_INT(parse("{\"op\":\"layers\",\"from\":512}"), 0);
	EXPECT_INT(request.op, CONTROL_LAYERS_OF);
	EXPECT_INT(request.from, 512);
	EXPECT_INT(parse("{\"op\":\"thaw\",\"later\":null}"), 0);
	EXPECT_INT(request.op, CONTROL_THAW);
	EXPECT_INT(parse("{\"op\":\"\"}"), -EINVAL);
	EXPECT_INT(parse("{\"op\":1}"), -EINVAL);
	EXPECT_INT(parse("{\"path\":\"a\"}"), -EINVAL);
	EXPECT(cause != NULL);
}

TEST("a freeze has a time within its limits")
{
	EXPECT_INT(parse("{\"op\":\"freeze\"}"), 0);
	EXPECT_INT(request.timeout_ms, CONTROL_FREEZE_MS);
	EXPECT_INT(parse("{\"op\":\"freeze\",\"timeout_ms\":1}"), 0);
	EXPECT_INT(request.timeout_ms, 1);
	EXPECT_INT(parse("{\"op\":\"freeze\",\"timeout_ms\":300000}"), 0);
	EXPECT_INT(parse("{\"op\":\"freeze\",\"timeout_ms\":300001}"), -EINVAL);
	EXPECT_INT(parse("{\"op\":\"freeze\",\"timeout_ms\":0}"), -EINVAL);
	EXPECT_INT(parse("{\"op\":\"freeze\",\"timeout_ms\":\"1\"}"), -EINVAL);
	EXPECT_INT(parse("{\"op\":\"freeze\",\"timeout_ms\":18446744073709551615}"), -EINVAL);
}

TEST("a path loses the slashes at its ends, and may be in digits")
{
	EXPECT_INT(parse("{\"op\":\"explain\",\"path\":\"//a/b//\"}"), 0);
	EXPECT_STR(request.path, "a/b");
	EXPECT_INT(parse("{\"op\":\"explain\",\"path\":\"/\"}"), 0);
	EXPECT_STR(request.path, "");
	EXPECT_INT(parse("{\"op\":\"explain\",\"path_hex\":\"2f61ff\"}"), 0);
	EXPECT_STR(request.path, "a\xff");
	EXPECT_INT(parse("{\"op\":\"explain\",\"path_hex\":\"61f\"}"), -EINVAL);
	EXPECT_INT(parse("{\"op\":\"explain\",\"path_hex\":\"6100\"}"), -EINVAL);
	EXPECT_INT(parse("{\"op\":\"explain\",\"path_hex\":\"6G\"}"), -EINVAL);
	EXPECT_INT(parse("{\"op\":\"explain\",\"path_hex\":\"61\",\"path\":\"a\"}"), -EINVAL);
	EXPECT_INT(parse("{\"op\":\"explain\"}"), -EINVAL);
	EXPECT_INT(parse("{\"op\":\"explain\",\"path\":7}"), -EINVAL);
}

TEST("a path that is too long is refused in both forms")
{
	static char text[CONTROL_LINE];
	int n = snprintf(text, sizeof(text), "{\"op\":\"explain\",\"path\":\"");

	memset(text + n, 'a', CONTROL_PATH_MAX);
	strcpy(text + n + CONTROL_PATH_MAX, "\"}");
	EXPECT_INT(parse(text), -EINVAL);
	strcpy(text + n + CONTROL_PATH_MAX - 1, "\"}");
	EXPECT_INT(parse(text), 0);
	n = snprintf(text, sizeof(text), "{\"op\":\"explain\",\"path_hex\":\"");
	memset(text + n, '6', (size_t)2 * CONTROL_PATH_MAX);
	strcpy(text + n + 2 * CONTROL_PATH_MAX, "\"}");
	EXPECT_INT(parse(text), -EINVAL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands of steps: what builders write into the history, and the tools that install something.
 */
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "advise_state.h"
#include "base/check.h"

#define WORDS 8

/* The first have manifests, which say what is installed. The others are managers of the system's packages. */
static const struct {
	const char *commands[WORDS];
	const char *manifests[WORDS]; /* patterns of names */
} tools[] = {
	{{"npm install", "npm ci", "npm i ", "yarn install", "yarn --frozen", "pnpm install", "pnpm i ", "bun install"},
	 {"package.json", "package-lock.json", "npm-shrinkwrap.json", "yarn.lock", "pnpm-lock.yaml", "bun.lock*",
	  ".npmrc", ".yarnrc*"}},
	{{"pip install", "pip3 install", "poetry install", "pipenv install", "pipenv sync", "uv sync",
	  "uv pip install"},
	 {"requirements*.txt", "pyproject.toml", "setup.cfg", "Pipfile", "Pipfile.lock", "poetry.lock", "uv.lock",
	  "constraints*.txt"}},
	{{"bundle install"}, {"Gemfile", "Gemfile.lock", "*.gemspec"}},
	{{"composer install"}, {"composer.json", "composer.lock"}},
	{{"go mod download", "go build", "go install"}, {"go.mod", "go.sum"}},
	{{"cargo build", "cargo fetch", "cargo install"}, {"Cargo.toml", "Cargo.lock"}},
	{{"mvn ", "mvnw "}, {"pom.xml"}},
	{{"gradle ", "gradlew "}, {"build.gradle*", "settings.gradle*", "gradle.properties"}},
	{{"dotnet restore"}, {"*.csproj", "*.sln", "packages.lock.json"}},
	{{"apt-get install", "apt-get -y install", "apt install", "apt -y install", "apt-get -qq install",
	  "aptitude install"},
	 {NULL}},
	{{"apk add", "apk --no-cache add", "apk --update add"}, {NULL}},
	{{"dnf install", "dnf -y install", "yum install", "yum -y install", "microdnf install", "microdnf -y install",
	  "zypper install", "pacman -S"},
	 {NULL}},
};
_Static_assert(ARRAY_SIZE(tools) <= ADVISE_TOOLS, "each tool has a bit");

unsigned advise_installs(const char *command)
{
	unsigned found = 0;

	for (size_t i = 0; i < ARRAY_SIZE(tools); i++)
		for (size_t k = 0; k < WORDS && tools[i].commands[k]; k++)
			if (strstr(command, tools[i].commands[k]))
				found |= 1u << i;
	return found;
}

unsigned advise_manifest(const char *name)
{
	unsigned found = 0;

	for (size_t i = 0; i < ARRAY_SIZE(tools); i++)
		for (size_t k = 0; k < WORDS && tools[i].manifests[k]; k++)
			if (fnmatch(tools[i].manifests[k], name, 0) == 0)
				found |= 1u << i;
	return found;
}

/* `|N A=1 B=2 /bin/sh -c ...` of a build with arguments. */
static const char *skip_arguments(const char *text)
{
	const char *shell = *text == '|' ? strstr(text, "/bin/sh -c ") : NULL;

	return shell ? shell : text;
}

static const char *behind_prefix(const char *text, const char *prefix)
{
	size_t len = strlen(prefix);

	return strncmp(text, prefix, len) ? text : text + len + strspn(text + len, " ");
}

char *advise_command(const char *created_by, bool *ret_copies)
{
	const char *text = behind_prefix(skip_arguments(behind_prefix(created_by, "RUN ")), "/bin/sh -c ");
	char *command, *end;

	text = behind_prefix(text, "#(nop)");
	command = strdup(text);
	if (!command)
		return NULL;
	end = strstr(command, " # buildkit");
	if (end)
		*end = '\0';
	for (size_t n = strlen(command); n && command[n - 1] == ' ';)
		command[--n] = '\0';
	*ret_copies = !strncmp(command, "COPY ", 5) || !strncmp(command, "ADD ", 4);
	(void)CHECK(strlen(command) <= strlen(created_by));
	return command;
}

/* SPDX-License-Identifier: ISC */
/*
 * Runs a fuzz target on files, and on all files of directories: the corpus in
 * ./check, and what AFL++ hands over.  Without a fuzzer's runtime.
 */
#include <sys/stat.h>

#include <dirent.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static unsigned long runs;

static int
run_file(const char *path)
{
	static uint8_t buf[1 << 20];
	FILE *f;
	uint8_t *p;
	size_t n;

	if ((f = fopen(path, "rb")) == NULL) {
		perror(path);
		return 1;
	}
	n = fread(buf, 1, sizeof(buf), f);
	(void)fclose(f);
	/* Of its own size, so that a sanitizer sees what is behind its end. */
	if ((p = malloc(n + (n == 0))) == NULL) {
		perror("malloc");
		return 1;
	}
	memcpy(p, buf, n);
	(void)LLVMFuzzerTestOneInput(p, n);
	free(p);
	runs++;
	return 0;
}

static int
run_directory(const char *path)
{
	char name[PATH_MAX];
	struct dirent *e;
	DIR *d;
	int bad = 0;

	if ((d = opendir(path)) == NULL) {
		perror(path);
		return 1;
	}
	while ((e = readdir(d)) != NULL) {
		if (e->d_name[0] == '.')
			continue;
		(void)snprintf(name, sizeof(name), "%s/%s", path, e->d_name);
		bad |= run_file(name);
	}
	(void)closedir(d);
	return bad;
}

int
main(int argc, char *argv[])
{
	struct stat st;
	int i, bad = 0;

	for (i = 1; i < argc; i++) {
		if (stat(argv[i], &st) == 0 && S_ISDIR(st.st_mode))
			bad |= run_directory(argv[i]);
		else
			bad |= run_file(argv[i]);
	}
	fprintf(stderr, "%lu inputs\n", runs);
	return bad || runs == 0;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * map_html.c -- a heap map as one page for a browser, without any other file
 *
 * The page is map_page.html, which the build puts into the command; the map
 * takes the place of the word @DATA@ in it, as JSON.
 */
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "cli/map.h"

#define PLACE "@DATA@"

/* MAP_PAGE -- the file's path, from the build */
__asm__(".pushsection .rodata\n"
	".global map_page\n"
	"map_page:\n"
	".incbin \"" MAP_PAGE "\"\n"
	".byte 0\n"
	".popsection\n");

extern const char map_page[];

int
map_html(const struct map_picture *picture, FILE *out)
{
	const char *place = strstr(map_page, PLACE);
	char *json = NULL;
	size_t size = 0;
	FILE *stream = open_memstream(&json, &size);
	int status;

	if (stream == NULL)
		return refuse(STATUS_UNREADABLE, "no memory for the map");
	status = map_json(picture, stream);
	if (fclose(stream) != 0 && status == 0)
		status = refuse(STATUS_UNREADABLE, "no memory for the map");
	if (status == 0) {
		fwrite(map_page, 1, (size_t)(place - map_page), out);
		/* no name of a program may end the element that it is in */
		for (const char *at = json; *at != '\0'; at++)
			if (*at == '<')
				fputs("\\u003c", out);
			else
				fputc(*at, out);
		fputs(place + sizeof(PLACE) - 1, out);
	}
	free(json);
	return status;
}

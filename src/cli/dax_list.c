/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * dax_list.c -- device DAX nodes, by libdaxctl
 */
#include <daxctl/libdaxctl.h>
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "cli/holders.h"

#define NODE_SIZE 64

/* mode_of -- which driver has it; only of "devdax" is there a node */
static const char *
mode_of(struct daxctl_dev *dev)
{
	if (daxctl_dev_get_memory(dev) != NULL)
		return "system-ram";
	return daxctl_dev_is_enabled(dev) != 0 ? "devdax" : "disabled";
}

static int
add(struct holders *all, struct daxctl_dev *dev)
{
	struct holder one = {
		.kind = HOLDER_DAX,
		.size = daxctl_dev_get_size(dev),
		.unit = daxctl_dev_get_align(dev),
		.node = daxctl_dev_get_target_node(dev),
	};
	char path[NODE_SIZE];

	/* the seed of a region, of which devices are made */
	if (one.size == 0)
		return 0;
	(void)snprintf(one.type, sizeof(one.type), "%s", mode_of(dev));
	(void)snprintf(
		path, sizeof(path), "/dev/%s", daxctl_dev_get_devname(dev));
	return holders_add(all, &one, path);
}

int
dax_list(struct holders *all)
{
	struct daxctl_ctx *ctx;
	struct daxctl_region *region;
	struct daxctl_dev *dev;
	int status = 0, err = daxctl_new(&ctx);

	if (err != 0)
		return refuse(STATUS_FAILED, "device DAX: %s", strerror(-err));
	daxctl_region_foreach(ctx, region)
	{
		daxctl_dev_foreach(region, dev)
		{
			if (status == 0)
				status = add(all, dev);
		}
	}
	daxctl_unref(ctx);
	return status;
}

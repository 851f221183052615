/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * settings.h -- what the preload library is told besides where the pool is
 *
 * Each of fork mode, profile and log file comes from an option, and its
 * variable is set; or it stands in the variable already, which is looked at in
 * the same way and left as it is.  The functions return 0, or the exit status
 * after saying why.
 */
#ifndef CLI_SETTINGS_H
#define CLI_SETTINGS_H

/* setting_set -- a variable of the environment */
int setting_set(const char *name, const char *value);

/* of an option's argument; NULL: what the variable says is checked */
int setting_fork(const char *mode);
int setting_profile(const char *text);
int setting_log_file(const char *name);

#endif

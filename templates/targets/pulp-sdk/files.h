/* tl/data.h on the host's file system, by semihosting (platform=gvsoc, or a debugger). */

#ifndef FILES_H
#define FILES_H

/* The controller: mount, and open what the cluster reads. 1, or 0 where that fails. */
int files_open(void);

#endif

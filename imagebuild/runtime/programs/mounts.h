/* SPDX-License-Identifier: Apache-2.0 */
/* Make the names of Wine's mount manager and network store. The event that is set when a program asks for one of them;
 * NULL: there are none. */
HANDLE offer_mounts(void);

/* Start the mount manager now, before it is asked for. */
void start_mounts(void);

/* Start what was asked for, and hand to it what was asked so far. */
void start_wanted(void);

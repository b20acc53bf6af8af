/* SPDX-License-Identifier: Apache-2.0 */
/* Make the names of Wine's mount manager. The event that is set when somebody asks for it; NULL: there is none. */
HANDLE offer_mounts(void);

/* Start the mount manager and hand to it what was asked so far. */
void start_mounts(void);

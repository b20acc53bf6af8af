/* SPDX-License-Identifier: Apache-2.0 */
/* Tell every process of the job that Windows shuts down, or write all processes of the box to FOLDER\list. An exit
 * code. */
int each_process(int stopping);

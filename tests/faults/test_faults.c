/* SPDX-License-Identifier: BSD-2-Clause */
#include "faults.h"

int
main(void)
{
	faults_of_rotation();
	faults_of_truncation();
	faults_of_lines();
	faults_of_crashes();
	faults_of_the_system();
	return suite_run();
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include "faults.h"

int
main(void)
{
	faults_of_rotation();
	faults_of_links();
	faults_of_stops();
	faults_of_truncation();
	faults_of_lines();
	faults_of_crashes();
	faults_of_the_system();
	faults_of_packed_files();
	return suite_run();
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Everything that is known to have cost other log readers lines, one test each. The
 * number in a test's name stays with its fault; RIG_VERBOSE=1 shows the notes.
 */
#ifndef TESTS_FAULTS_FAULTS_H
#define TESTS_FAULTS_FAULTS_H

#include "../unit/suite.h"
#include "inject.h"
#include "rig.h"

void faults_of_rotation(void);
void faults_of_links(void);
void faults_of_stops(void);
void faults_of_truncation(void);
void faults_of_lines(void);
void faults_of_crashes(void);
void faults_of_the_system(void);
void faults_of_packed_files(void);

#endif

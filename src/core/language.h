/**
 * @file language.h
 * @brief The room of django_language.
 */
#ifndef CP_LANGUAGE_H
#define CP_LANGUAGE_H

#include "visit.h"

/** A language tag's length at most (RFC 5646 section 4.4.1 suggests 35). */
#define CP_LANGUAGE_TAG_MAX 35

/** Whether it has the form of a language tag: letters, digits and hyphens. */
bool cp_language_tag_is_good(const char *tag);

/** Whether its first part is a language: one of ISO 639-1's of two letters,
 *  or any of three. */
bool cp_language_is_known(const char *tag);

/** A range or a tag without its last part, and without a single letter or
 *  digit that would then be the last (RFC 4647 section 3.4); empty where it
 *  has one part. */
cp_span cp_language_shortened(cp_span range);

/**
 * The visitor chose a language; it is issued with this answer.
 * @return false when the site does not speak it
 */
bool cp_language_choose(cp_visit *visit, cp_span tag);

/** The language to speak: of the cookie, else of Accept-Language, else the
 *  first configured; NULL where languages are off. */
const char *cp_language(const cp_visit *visit);

extern const cp_room cp_language_room;

#endif

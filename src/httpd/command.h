/**
 * @file command.h
 * @brief The session commands of an application, in a response header.
 *
 * The value is a list of urlencoded pairs, `name=value&name2=value2`; an
 * empty value unsets. Where `login` was configured, `:user=NAME` logs in,
 * `:logout=1` logs out and `:rotate=1` draws a new id.
 */
#ifndef CP_COMMAND_H
#define CP_COMMAND_H

#include "exchange.h"
#include "session.h"

/**
 * Takes the header out of both tables of a response.
 * @param change  gets what is to be done, where there was any
 * @return whether there was any
 */
bool cp_command_take(const cp_exchange *exchange, request_rec *r,
                     cp_session_change *change);

/** Carries the change out; a failure is logged. */
void cp_command_obey(const cp_exchange *exchange, request_rec *r,
                     const cp_session_change *change);

#endif

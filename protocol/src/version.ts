/**
 * The version of the wire. A client names it in `hello`; a gateway that cannot serve it closes with 4502.
 *
 * History, newest first (date, version, what changed and why):
 * - 2026-11-23  1  First version.
 *
 * Adding an optional field, a frame type, or a type, role or state of entities does not raise it: a client ignores
 * unknown fields and frames, and leaves out what it does not know of entities (client/src/core/incoming.ts).
 * `contract.test.ts` holds a fingerprint of all schemas, so a changed wire is always a decision and never an accident.
 */
export const PROTOCOL_VERSION = 1

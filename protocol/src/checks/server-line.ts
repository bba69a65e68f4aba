/** What a gateway says to a client, read by checks and not by schemas: what a client loads of server-frame.ts. */
import { parseLine } from '../line.ts'
import type { ServerFrame, ServerLine } from '../server-frame.ts'
import { checkValue } from './check.ts'
import { changeOptions, serverFrameCheck, serverFrameOptions } from './printed.ts'

const frameTypes: ReadonlySet<string> = new Set(Object.keys(serverFrameOptions))

/** Reads one line of a gateway's message. */
export const readServerLine = (line: string): ServerLine =>
  parseLine<ServerFrame>(line, frameTypes, (json) => checkValue(serverFrameCheck, json))

/** Whether a kind of change is one of this version. */
export const isChangeKind = (kind: string): boolean => Object.hasOwn(changeOptions, kind)

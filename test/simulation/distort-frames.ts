/**
 * What a message becomes for the client that hears it: lines about the content of a space may say more than is new, or
 * not be understood, as if a newer release had written them.
 */
import { changesFrameSchema, type SpaceId } from '@rhizom/protocol'
import type { ApiModel } from './api-model.ts'
import type { Chance } from './chance.ts'
import type { Weather } from './plan.ts'

export interface DistortionPorts {
  chance: Chance
  api: ApiModel
  weather(): Weather
  /** Whether the client awaits an answer about a space. */
  isAsking(space: SpaceId): boolean
  garbled(line: string): void
}

const CONTENT_LINE = /^{"type":"(changes|snapshot|resumed)"/m

export function distortFrame(text: string, { chance, api, weather, isAsking, garbled }: DistortionPorts): string {
  if (!CONTENT_LINE.test(text)) return text

  /**
   * Whether the client finds out by itself that a line is missing: by the next change, or because it awaits an answer.
   * A new epoch's snapshot that nobody asked for is not replaced by anything (SPEC.md, what is left out).
   */
  const isAwaited = (line: string): boolean => {
    if (line.startsWith('{"type":"changes"')) return true
    const space = /"space":"([^"]+)"/.exec(line)?.[1]
    return space !== undefined && isAsking(space)
  }

  /** The same run with up to five changes before it. */
  const overlapping = (line: string): string => {
    const frame: unknown = JSON.parse(line)
    const changes = changesFrameSchema.safeParse(frame)
    if (!changes.success) return line
    const { space, epoch, from } = changes.data
    const start = Math.max(0, from - chance.int(1, 5))
    const before = api.space(space).histories.get(epoch)?.changes.slice(start, from) ?? []
    return JSON.stringify({ ...changes.data, from: start, changes: [...before, ...changes.data.changes] })
  }

  return text
    .split('\n')
    .map((line) => {
      if (!CONTENT_LINE.test(line)) return line
      const { garbles, overlaps } = weather()
      if (isAwaited(line) && chance.happens(garbles)) {
        garbled(line)
        return `garbled ${line}`
      }
      return chance.happens(overlaps) ? overlapping(line) : line
    })
    .join('\n')
}

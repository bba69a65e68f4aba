/**
 * Presence as it stands in Redis (protocol: presence.ts), for the gateways that write it and the api that only reads.
 * Each entry is sealed for its place: nobody is here by what no gateway of ours wrote, nor by what was put elsewhere.
 */
import {
  type BeingId,
  type BootId,
  gatewayLeaseSchema,
  parseJson,
  parsePresenceField,
  type PresenceEntry,
  presenceEntrySchema,
  presenceField,
  type SpaceId,
} from '@rhizom/protocol'
import type { BusSeal } from './bus-seal.ts'

/** What stands under a name such as gateways give. */
export interface PresenceField {
  field: string
  bootId: BootId
  being: BeingId
  /** Whether a gateway of ours wrote it. */
  isOurs: boolean
  /** Undefined if it is not understood. */
  entry: PresenceEntry | undefined
}

export type GatewayLease = ReturnType<typeof gatewayLeaseSchema.parse>

const placeOf = (seal: BusSeal, space: SpaceId, field: string): string => `${seal.names.here(space)} ${field}`

/** The fields of a gateway's part in the hash of a space, and what is to stand there; none while none is believed. */
export function sealEntries(
  seal: BusSeal,
  space: SpaceId,
  bootId: BootId,
  part: Iterable<readonly [BeingId, PresenceEntry]>,
): [field: string, sealed: Buffer][] {
  return [...part].flatMap(([being, entry]): [string, Buffer][] => {
    const field = presenceField(bootId, being)
    const sealed = seal.seal(placeOf(seal, space, field), JSON.stringify(entry))
    return sealed === undefined ? [] : [[field, sealed]]
  })
}

/** Reads fields of the hash of a space. Those under other names are passed over. */
export function openFields(
  seal: BusSeal,
  space: SpaceId,
  fields: Iterable<readonly [field: string, sealed: unknown]>,
): PresenceField[] {
  return [...fields].flatMap(([field, sealed]) => {
    const name = parsePresenceField(field)
    if (name === undefined) return []
    const text = seal.open(placeOf(seal, space, field), Buffer.from(String(sealed)))
    const entry = text && parseJson(presenceEntrySchema, text.toString())
    return [{ ...name, field, isOurs: text !== undefined, entry: entry?.ok === true ? entry.value : undefined }]
  })
}

/** The leases among what was found in the places of those of `boots`. Whatever it holds, one that is there stands. */
export function leasesOf(boots: readonly BootId[], found: readonly unknown[]): Map<BootId, GatewayLease> {
  return new Map(
    boots.flatMap((boot, index): [BootId, GatewayLease][] => {
      const value = found[index]
      if (value === null) return []
      const lease = typeof value === 'string' ? parseJson(gatewayLeaseSchema, value) : undefined
      return [[boot, lease?.ok === true ? lease.value : { formerly: [] }]]
    }),
  )
}

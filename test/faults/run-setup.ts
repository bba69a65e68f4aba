/** Puts a run together: the rig, its clients and the drill, brought up in order and down again whatever happens. */
import { SNAPSHOT_SIZE } from './arrival.ts'
import { Clients } from './clients.ts'
import { Drill } from './drill.ts'
import { PRESENCE_SETTINGS } from './presence/settings.ts'
import type { Pace } from './writer.ts'
import { type Random, seeded } from '../kit/chance.ts'
import { type Rig, startRig } from './rig.ts'

export interface RunSetup {
  rig: Rig
  clients: Clients
  drill: Drill
  random: Random
  /** Who takes part, as one line. */
  describe(): string
  stop(): Promise<void>
}

export interface RunSetupOptions {
  seed: number
  pace: Pace
  gateways?: number
  writers?: number
  env?: { api?: Record<string, string>; gateway?: Record<string, string> }
}

/** A slow reader is felt early, so that the drill needs no more than some megabytes to show it. */
const GATEWAY_SETTINGS = { MAX_UNSENT_BYTES: String(256 * 1024), ...PRESENCE_SETTINGS }

const API_SETTINGS = {
  SNAPSHOT_INTENTIONS: String(SNAPSHOT_SIZE.intentions),
  SNAPSHOT_BYTES: String(SNAPSHOT_SIZE.bytes),
  // A bot that is starved loses its lease without an end: what is asked of it is to come to one all the same.
  MAX_ATTEMPTS: '1000',
}

export async function bringUp({ seed, pace, gateways = 3, writers = 4, env }: RunSetupOptions): Promise<RunSetup> {
  const random = seeded(seed)
  const settings = {
    api: { ...API_SETTINGS, ...env?.api },
    gateway: { ...GATEWAY_SETTINGS, ...env?.gateway },
  }
  const rig = await startRig({ gateways, env: settings })
  const clients = new Clients(rig, pace, random)
  const stop = async (): Promise<void> => {
    await clients.leave()
    await rig.stop()
  }
  try {
    await clients.arrive({ writers })
  } catch (error) {
    await stop()
    throw error
  }
  return {
    rig,
    clients,
    random,
    drill: new Drill(rig, clients, random),
    describe: () =>
      `${rig.apis.length} api nodes, ${rig.gateways.length} gateways, Postgres, Redis with a replica; ${clients.writers.length} writers, ${clients.watchers.length} checking clients and visitors who come and go, ${clients.allSpaces.length} spaces`,
    stop,
  }
}

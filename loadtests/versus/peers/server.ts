/** Starts a server of a comparison on a core and a port, and waits until it takes connections. */
import { connect } from 'node:net'
import { join } from 'node:path'
import { type Child, startChild } from '@rhizom/infra/local/child.ts'
import { anyFreePort } from '@rhizom/infra/local/ports.ts'
import { until } from '@rhizom/infra/local/until.ts'
import { Redis } from 'ioredis'
import type { RunningPeer, Surroundings } from '../peer.ts'

const UP_WITHIN_MS = 60_000

const accepts = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' })
    const settle = (answer: boolean): void => {
      socket.destroy()
      resolve(answer)
    }
    socket.once('connect', () => settle(true))
    socket.once('error', () => settle(false))
  })

export interface StartedServer {
  child: Child
  port: number
  url: string
}

export async function startServer(
  around: Pick<Surroundings, 'directory' | 'watch'>,
  name: string,
  words: (port: number) => readonly string[],
  env: NodeJS.ProcessEnv = {},
): Promise<StartedServer> {
  const port = await anyFreePort()
  const [file = '', ...args] = words(port)
  const log = join(around.directory, `${name}.log`)
  const child = await startChild({ file, args, env: { ...process.env, ...env } }, log, around.watch)
  const up = await until(() => accepts(port), { withinMs: UP_WITHIN_MS, giveUp: () => !child.running })
  if (!up) {
    await child.stop('SIGKILL')
    throw new Error(`${name} does not start; its output is in ${log}`)
  }
  return { child, port, url: `http://127.0.0.1:${port}` }
}

/** One of this folder's neighbours in `servers`, which passes on what is published in Redis. */
export async function startBareServer(around: Surroundings, entry: string): Promise<RunningPeer> {
  const file = join(import.meta.dirname, '..', 'servers', entry)
  const words = (port: number): string[] => [
    ...[...around.onServerCore, process.execPath],
    ...[file, String(port), around.redisUrl],
  ]
  const { child, url } = await startServer(around, entry, words)
  const redis = new Redis(around.redisUrl)
  return {
    pid: child.pid,
    url,
    topic: () => Promise.resolve('hot'),
    tokens: [],
    publish: async (_topic, texts) => {
      await Promise.all(texts.map((text) => redis.publish('hot', text)))
    },
    async stop() {
      redis.disconnect()
      await child.stop('SIGKILL')
    },
  }
}

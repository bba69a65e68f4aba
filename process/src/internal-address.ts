/**
 * Where a process answers whoever runs it, and other processes of ours: a port of its own, so that no stranger who
 * reaches the public one learns anything of the inside. It follows from the public port unless a setting names it.
 */
import { createServer } from 'node:net'

/** How far the internal port is above the public one. */
export const INTERNAL_OFFSET = 1000
const HIGHEST_PORT = 65_535
export const INTERNAL_VARIABLES = 'INTERNAL_PORT or INTERNAL_HOST'

export interface AddressSettings {
  PORT: number
  HOST: string
  INTERNAL_PORT: number | undefined
  INTERNAL_HOST: string | undefined
}

/** Undefined where no port is so far above. */
export const besidePort = (port: number): number | undefined =>
  port + INTERNAL_OFFSET > HIGHEST_PORT ? undefined : port + INTERNAL_OFFSET

/**
 * The address to listen on once the public port is bound. Where the system chose that one, its neighbour may be taken
 * by anybody, and another free one does as well.
 */
export async function internalAddress(
  settings: AddressSettings,
  boundPort: number,
): Promise<{ host: string; port: number }> {
  const { PORT, HOST, INTERNAL_PORT, INTERNAL_HOST: host = HOST } = settings
  if (INTERNAL_PORT !== undefined) return { host, port: INTERNAL_PORT }
  const beside = besidePort(boundPort)
  if (beside === undefined || (PORT === 0 && !(await isFree(host, beside)))) return { host, port: 0 }
  return { host, port: beside }
}

const isFree = (host: string, port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(true)))
  })

/**
 * How a gateway lets its clients go: each is told when to come back, spread so that the others are not stampeded, and
 * sockets are closed in paced batches that fit into the time there is.
 */
export interface DrainSettings {
  /** All sockets are closed within this. */
  withinMs: number
  /** The longest a client is asked to stay away. */
  spreadMs: number
  /** Spread this much per client, so that few clients are not kept waiting for a crowd that is not there. */
  spreadPerClientMs: number
  /** Sockets closed together, and the pause between two batches. */
  batch: number
  batchEveryMs: number
}

export interface Leave {
  reconnectAfterMs: number
  closeAfterMs: number
}

/** When the `index`th of `count` clients goes and may come back. `random` is in [0, 1). */
export function planLeave(index: number, count: number, random: number, settings: DrainSettings): Leave {
  const batches = Math.ceil(count / settings.batch)
  const paceMs = Math.min(settings.batchEveryMs, settings.withinMs / Math.max(1, batches))
  const spreadMs = Math.min(settings.spreadMs, count * settings.spreadPerClientMs)
  return {
    reconnectAfterMs: Math.round(spreadMs * random),
    closeAfterMs: Math.round(paceMs * Math.floor(index / settings.batch)),
  }
}

/**
 * How a gateway lets its clients go: each is told when to come back, spread so that the others are not stampeded, and
 * is served on for a while after that, so that it can be at home elsewhere before it leaves here.
 */
export interface DrainSettings {
  /** All sockets are closed within this. */
  withinMs: number
  /** The longest a client is asked to stay away. */
  spreadMs: number
  /** Spread this much per client, so that few clients are not kept waiting for a crowd that is not there. */
  spreadPerClientMs: number
  /** How long a client is served on after it may come back. */
  handoverMs: number
}

export interface DrainPlan {
  reconnectAfterMs: number
  closeAfterMs: number
}

/** When one of `count` clients may come back, and when it is closed at the latest. `random` is in [0, 1). */
export function planDrain(count: number, random: number, settings: DrainSettings): DrainPlan {
  const spreadMs = Math.min(settings.spreadMs, count * settings.spreadPerClientMs)
  const reconnectAfterMs = Math.round(spreadMs * random)
  return { reconnectAfterMs, closeAfterMs: Math.min(settings.withinMs, reconnectAfterMs + settings.handoverMs) }
}

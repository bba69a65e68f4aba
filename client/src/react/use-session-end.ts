/** Noticing that a session is over, which no waiting and no retry helps. */
import { useEffect, useRef } from 'react'
import { type HookClient, useRhizom } from './rhizom-context.ts'

/** Calls once, with why in words for a person; the result stops listening. */
export function listenForEnd(client: HookClient, onEnd: (reason: string) => void): () => void {
  const stop = client.onSyncStatus(look)
  function look(): void {
    const status = client.syncStatus()
    if (status.status !== 'error' || status.remedy !== 'sign-in') return
    stop()
    onEnd(status.reason ?? 'The session has ended.')
  }
  look()
  return stop
}

/** Calls when the session is over, with why: it ran out, or whose it was is removed. Only signing in helps. */
export function useSessionEnd(onEnd: (reason: string) => void): void {
  const client = useRhizom()
  const current = useRef(onEnd)
  useEffect(() => {
    current.current = onEnd
  })
  useEffect(() => listenForEnd(client, (reason) => current.current(reason)), [client])
}

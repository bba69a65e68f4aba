/** Telling people that a server is newer than their page. */
import { useSyncExternalStore } from 'react'
import { useRhizom } from './rhizom-context.ts'

/** Whether a server sent something that this client does not know and leaves out; loading the page anew may help. */
export function useIsLeftOut(): boolean {
  const client = useRhizom()
  return useSyncExternalStore(
    client.onLeftOut,
    () => client.leftOut().size > 0,
    () => false,
  )
}

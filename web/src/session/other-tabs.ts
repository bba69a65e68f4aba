/** One browser is one person's: its tabs follow each other when somebody signs out or in. */
import { type KeyValueStorage, loadSession, saveSession, SESSION_KEY, type Session } from '@rhizom/client'

/** Another tab signed out, or somebody else in: this one follows. */
export function onVisitorChanged(storage: KeyValueStorage, self: string | undefined, listener: () => void): () => void {
  const look = ({ key }: StorageEvent) => {
    if (key !== null && key !== SESSION_KEY) return
    if (loadSession(storage)?.being.id !== self) listener()
  }
  window.addEventListener('storage', look)
  return () => window.removeEventListener('storage', look)
}

/** A renewal is kept only over the session that it renews: another tab may have signed somebody else in. */
export function keepRenewed(storage: KeyValueStorage, renewed: Session): void {
  if (loadSession(storage)?.being.id === renewed.being.id) saveSession(storage, renewed)
}

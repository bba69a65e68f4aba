/**
 * Who is at this browser: the session it keeps, from signing in to signing out or until it ends by itself. All tabs of
 * a browser are one person's: each follows when another one signs out, or somebody else in.
 */
import { isJsonObject, parseText } from '@rhizom/protocol'
import { useSyncExternalStore } from 'react'
import { browserEnvironment } from '../runtime/environment.ts'
import {
  forgetSession,
  type KeyValueStorage,
  loadSession,
  saveSession,
  SESSION_KEY,
  type Session,
} from '../runtime/storage.ts'

/** Who one was until the session ended, and why it did. */
export interface EndedSession {
  name: string
  reason: string
}

export type Visitor =
  /** By what is kept. Whether it is over the server says: the date of this device may be wrong. */
  | { status: 'signed-in'; session: Session }
  /** `ended` is undefined for a newcomer, and for one who signed out. */
  | { status: 'signed-out'; ended: EndedSession | undefined }

export interface VisitorStore {
  current(): Visitor
  onChange(listener: () => void): () => void
  /** Called before a change that another tab made, with what this browser holds now. */
  onReplaced(listener: (next: Visitor) => void): () => void
  /** Keeps a session, for reloads and the other tabs. */
  signIn(session: Session): void
  signOut(): void
  /** The session is over by itself: kept until somebody signs in, to be told of. */
  end(ended: EndedSession): void
  /** Keeps a renewed session, if it is still that of the one who is signed in: give it as `onSessionRenewed`. */
  renewed(session: Session): void
}

const ENDED_KEY = 'rhizom.session-ended'

function loadEnded(storage: KeyValueStorage): EndedSession | undefined {
  const parsed = parseText(storage.get(ENDED_KEY) ?? '')
  if (!parsed.ok || !isJsonObject(parsed.value)) return undefined
  const { name, reason } = parsed.value
  return typeof name === 'string' && typeof reason === 'string' ? { name, reason } : undefined
}

/** What is kept says who one is. */
function visitorIn(storage: KeyValueStorage): Visitor {
  const session = loadSession(storage)
  return session === undefined ? { status: 'signed-out', ended: loadEnded(storage) } : { status: 'signed-in', session }
}

const idOf = (visitor: Visitor): string | undefined =>
  visitor.status === 'signed-in' ? visitor.session.being.id : undefined

/** One for a page, made once. */
export function createVisitorStore(storage: KeyValueStorage = browserEnvironment().storage): VisitorStore {
  let visitor = visitorIn(storage)
  const listeners = new Set<() => void>()
  const replacedListeners = new Set<(next: Visitor) => void>()

  function change(next: Visitor): void {
    visitor = next
    for (const listener of [...listeners]) listener()
  }

  function look({ key }: StorageEvent): void {
    if (key !== null && key !== SESSION_KEY) return
    const next = visitorIn(storage)
    if (idOf(next) === idOf(visitor)) return
    for (const listener of [...replacedListeners]) listener(next)
    change(next)
  }
  if (typeof window !== 'undefined') window.addEventListener('storage', look)

  return {
    current: () => visitor,
    onChange(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    onReplaced(listener) {
      replacedListeners.add(listener)
      return () => void replacedListeners.delete(listener)
    },
    signIn(session) {
      storage.remove(ENDED_KEY)
      saveSession(storage, session)
      change({ status: 'signed-in', session })
    },
    signOut() {
      forgetSession(storage)
      change({ status: 'signed-out', ended: undefined })
    },
    end(ended) {
      // Before the session goes: the other tabs read why when they see that.
      storage.set(ENDED_KEY, JSON.stringify(ended))
      forgetSession(storage)
      change({ status: 'signed-out', ended })
    },
    renewed(session) {
      if (loadSession(storage)?.being.id === session.being.id) saveSession(storage, session)
    },
  }
}

/** Who is at this browser now. A server, which knows of nobody, draws for a newcomer. */
export function useVisitor(store: VisitorStore): Visitor {
  return useSyncExternalStore(store.onChange, store.current, newcomer)
}

const nobody: Visitor = { status: 'signed-out', ended: undefined }
const newcomer = (): Visitor => nobody

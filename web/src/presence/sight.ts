/**
 * Whether a person has any page of ours in sight, in this browser. A page in sight holds a lock, which the browser lets
 * go of with the page, however that ends, and which nobody who is frozen or dead has to be asked about. A page that
 * comes into sight or goes out of it says so as well, so that those behind it count their time from then.
 *
 * Where a browser has no locks (a page without https), or refuses whatever pages share (where storage is blocked), each
 * page knows of itself alone.
 */
import type { BeingId } from '@rhizom/protocol'

const nameOf = (person: BeingId): string => `rhizom sight ${person}`

const isInSight = (): boolean => document.visibilityState === 'visible'

/** Null where the browser keeps them from pages without https, of which the types know nothing. */
const locks = (): LockManager | null => ('locks' in navigator ? navigator.locks : null)

function holdLock(name: string): () => void {
  let letGo = (): void => undefined
  const untilLetGo = new Promise<void>((resolve) => (letGo = resolve))
  // A lock that is refused is none: nobody will find it.
  locks()
    ?.request(name, { mode: 'shared' }, () => untilLetGo)
    .catch(() => undefined)
  return letGo
}

async function isLockHeld(name: string): Promise<boolean> {
  const found = await locks()
    ?.query()
    .catch(() => undefined)
  return (found?.held ?? []).some((lock) => lock.name === name)
}

/** Null where the browser has none, or none for this page. */
function openChannel(name: string): BroadcastChannel | null {
  try {
    return new BroadcastChannel(name)
  } catch {
    return null
  }
}

/** Lets the other pages know of this one for as long as it is in sight; the result stops. */
export function tellSight(person: BeingId): () => void {
  const name = nameOf(person)
  const pages = openChannel(name)
  const tellPages = pages?.postMessage.bind(pages)
  let letGo: (() => void) | null = null

  function settle(inSight: boolean): void {
    if (inSight === (letGo !== null)) return
    letGo?.()
    letGo = inSight ? holdLock(name) : null
    tellPages?.(inSight)
  }
  const look = () => settle(isInSight())
  const leave = () => settle(false)

  look()
  document.addEventListener('visibilitychange', look)
  window.addEventListener('pageshow', look)
  window.addEventListener('pagehide', leave)
  return () => {
    document.removeEventListener('visibilitychange', look)
    window.removeEventListener('pageshow', look)
    window.removeEventListener('pagehide', leave)
    leave()
    pages?.close()
  }
}

/**
 * Calls with false once no page of a person has been in sight for `patienceMs`, and with true when one is again; the
 * result stops. Only a page that is itself out of sight ever asks about the others.
 */
export function watchSight(person: BeingId, patienceMs: number, onSight: (inSight: boolean) => void): () => void {
  const name = nameOf(person)
  const pages = openChannel(name)
  let known = true
  let timer: ReturnType<typeof setTimeout> | undefined
  /** Grows with whatever makes an answer that is under way old. */
  let turn = 0

  function say(inSight: boolean): void {
    if (inSight === known) return
    known = inSight
    onSight(inSight)
  }

  function wait(): void {
    turn += 1
    clearTimeout(timer)
    timer = isInSight() ? undefined : setTimeout(() => void ask(turn), patienceMs)
  }

  async function ask(asked: number): Promise<void> {
    const isAnotherInSight = await isLockHeld(name)
    if (asked !== turn) return
    if (isAnotherInSight) wait()
    else say(false)
  }

  function look(): void {
    wait()
    if (isInSight()) say(true)
  }

  look()
  pages?.addEventListener('message', ({ data: cameInSight }: MessageEvent<unknown>) => {
    wait()
    if (cameInSight === true) say(true)
  })
  document.addEventListener('visibilitychange', look)
  return () => {
    turn += 1
    clearTimeout(timer)
    document.removeEventListener('visibilitychange', look)
    pages?.close()
  }
}

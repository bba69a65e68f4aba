/**
 * Whether a person has any page of ours in sight, in this browser. A page in sight holds a lock, which the browser lets
 * go of with the page, however that ends, and which nobody who is frozen or dead has to be asked about. A page that
 * comes into sight or goes out of it says so as well, so that those behind it count their time from then.
 *
 * Where a browser has no locks (a page without https), or refuses whatever pages share (where storage is blocked), each
 * page knows of itself alone.
 */
import type { BeingId } from '@rhizom/protocol'
import { openPageChannel } from './page-channel.ts'

const nameOf = (person: BeingId): string => `rhizom sight ${person}`

const isPageVisible = (): boolean => document.visibilityState === 'visible'

/** undefined where the browser keeps them from pages without https, of which the types know nothing. */
const locks = (): LockManager | undefined => ('locks' in navigator ? navigator.locks : undefined)

function holdLock(name: string): () => void {
  let release = (): void => undefined
  const untilReleased = new Promise<void>((resolve) => (release = resolve))
  // A lock that is refused is none: nobody will find it.
  locks()
    ?.request(name, { mode: 'shared' }, () => untilReleased)
    .catch(() => undefined)
  return release
}

async function isLockHeld(name: string): Promise<boolean> {
  const found = await locks()
    ?.query()
    .catch(() => undefined)
  return (found?.held ?? []).some((lock) => lock.name === name)
}

/** Lets the other pages know of this one for as long as it is in sight; the result stops. */
export function announceVisibility(person: BeingId): () => void {
  const name = nameOf(person)
  const pages = openPageChannel(name)
  let release: (() => void) | undefined

  function announce(isVisible: boolean): void {
    if (isVisible === (release !== undefined)) return
    release?.()
    release = isVisible ? holdLock(name) : undefined
    pages.post(isVisible)
  }
  const look = () => announce(isPageVisible())
  const comeBack = () => {
    pages.resume()
    look()
  }
  const leave = () => {
    announce(false)
    pages.suspend()
  }

  look()
  document.addEventListener('visibilitychange', look)
  window.addEventListener('pageshow', comeBack)
  window.addEventListener('pagehide', leave)
  return () => {
    document.removeEventListener('visibilitychange', look)
    window.removeEventListener('pageshow', comeBack)
    window.removeEventListener('pagehide', leave)
    leave()
    pages.close()
  }
}

/**
 * Calls with false once no page of a person has been in sight for `patienceMs`, and with true when one is again; the
 * result stops. Only a page that is itself out of sight ever asks about the others.
 */
export function watchVisibility(
  person: BeingId,
  patienceMs: number,
  onChange: (isVisible: boolean) => void,
): () => void {
  const name = nameOf(person)
  const pages = openPageChannel(name, (becameVisible) => {
    wait()
    if (becameVisible === true) say(true)
  })
  let lastSaid = true
  let timer: ReturnType<typeof setTimeout> | undefined
  /** Grows with whatever makes an answer that is under way old. */
  let generation = 0

  function say(isVisible: boolean): void {
    if (isVisible === lastSaid) return
    lastSaid = isVisible
    onChange(isVisible)
  }

  function wait(): void {
    generation += 1
    clearTimeout(timer)
    timer = isPageVisible() ? undefined : setTimeout(() => void ask(generation), patienceMs)
  }

  async function ask(askedIn: number): Promise<void> {
    const isAnotherVisible = await isLockHeld(name)
    if (askedIn !== generation) return
    if (isAnotherVisible) wait()
    else say(false)
  }

  function look(): void {
    wait()
    if (isPageVisible()) say(true)
  }

  look()
  document.addEventListener('visibilitychange', look)
  window.addEventListener('pagehide', pages.suspend)
  window.addEventListener('pageshow', pages.resume)
  return () => {
    generation += 1
    clearTimeout(timer)
    document.removeEventListener('visibilitychange', look)
    window.removeEventListener('pagehide', pages.suspend)
    window.removeEventListener('pageshow', pages.resume)
    pages.close()
  }
}

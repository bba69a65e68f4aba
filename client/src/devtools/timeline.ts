/** What happened on the wire, newest last: bounded, since it may be open for days. */

export interface Happening {
  serial: number
  /** Milliseconds since 1970. */
  atMs: number
  kind: 'in' | 'out' | 'socket' | 'request' | 'status' | 'fault'
  text: string
}

export interface Timeline {
  /** The latest of them; another array whenever something happened. */
  happenings(): readonly Happening[]
  /** How many frames passed, those included that are not kept any more. */
  frameCounts(): Readonly<Record<'in' | 'out', number>>
  note(what: Pick<Happening, 'kind' | 'text'>): void
  /** One for each frame of a message. */
  noteFrames(kind: 'in' | 'out', message: string): void
  clear(): void
  onHappening(listener: () => void): () => void
}

const KEPT = 500
/** A token is nobody's business, also over somebody's shoulder. */
const TOKEN = /("token":")[^"]*/g
const TEXT_LENGTH = 300

export function createTimeline(dateMs: () => number): Timeline {
  const listeners = new Set<() => void>()
  let happenings: readonly Happening[] = []
  let frameCounts = { in: 0, out: 0 }
  let serial = 0

  function add(those: readonly Pick<Happening, 'kind' | 'text'>[]): void {
    const atMs = dateMs()
    const noted = those.map(({ kind, text }) => ({ serial: ++serial, atMs, kind, text: shortened(text) }))
    happenings = [...happenings, ...noted].slice(-KEPT)
    for (const listener of [...listeners]) listener()
  }

  return {
    happenings: () => happenings,
    frameCounts: () => frameCounts,
    note: (what) => add([what]),
    noteFrames(kind, message) {
      const frames = message.split('\n').filter((line) => line.trim() !== '')
      frameCounts = { ...frameCounts, [kind]: frameCounts[kind] + frames.length }
      add(frames.map((text) => ({ kind, text })))
    },
    clear: () => {
      happenings = []
      for (const listener of [...listeners]) listener()
    },
    onHappening(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
  }
}

function shortened(text: string): string {
  const clean = text.replaceAll(TOKEN, '$1…')
  return clean.length > TEXT_LENGTH ? `${clean.slice(0, TEXT_LENGTH)}…` : clean
}

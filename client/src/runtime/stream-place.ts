/**
 * The few places that a browser has for streams, as locks that all its tabs share. Loaded when a stream is wanted.
 */
const STREAM_PLACES = 2

export async function takeStreamPlace(): Promise<(() => void) | undefined> {
  if (typeof navigator === 'undefined' || !('locks' in navigator)) return () => undefined
  for (let place = 1; place <= STREAM_PLACES; place++) {
    const release = await takeLock(`rhizom-stream-${place}`)
    if (release !== undefined) return release
  }
  return undefined
}

/** Holds a lock that all tabs share until the result is called; undefined if another one holds it. */
function takeLock(name: string): Promise<(() => void) | undefined> {
  return new Promise((resolve, reject) => {
    navigator.locks
      .request(name, { ifAvailable: true }, (lock) => {
        if (lock === null) return resolve(undefined)
        return new Promise<void>((release) => resolve(release))
      })
      .catch(reject)
  })
}

/**
 * Calling what may hang, reject or throw: a function of the app, a store, the network. What comes of it is known in
 * time, one way or the other; an answer that comes later is dropped.
 */
import type { Environment } from './environment.ts'

export class TookTooLong extends Error {
  constructor() {
    super('It took too long.')
  }
}

export function within<T>(
  environment: Pick<Environment, 'after'>,
  patienceMs: number,
  run: () => Promise<T> | T,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const cancel = environment.after(patienceMs, () => reject(new TookTooLong()))
    // Inside of a promise, so that what the function throws is a rejection like any other. It is called at once: what
    // is asked of a store has begun when the store is closed right after.
    void new Promise<T>((settle) => settle(run())).then(resolve, reject).finally(cancel)
  })
}

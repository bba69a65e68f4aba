/**
 * An answer that is not read in time is cut off: until it is, it lies in memory and its request holds its place. What
 * fits into the buffers of the connection does not wait for its reader.
 */
import type { HttpApp } from './route.ts'

export function cutUnreadAnswers(app: HttpApp, withinMs: number): void {
  app.addHook('onSend', (_request, reply, _payload, done) => {
    const timer = setTimeout(() => reply.raw.destroy(), withinMs).unref()
    reply.raw.once('close', () => clearTimeout(timer))
    done()
  })
}

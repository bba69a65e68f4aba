/**
 * Answers cost those who ask for them: their bytes, and each read 4 KiB at least, since it is a question to Postgres
 * whatever comes of it. They are paid for afterwards; who asked for more than it may is refused before that.
 */
import type { FastifyRequest } from 'fastify'
import { takeHere } from './afford.ts'
import type { HttpApp } from './route.ts'
import type { Services } from './services.ts'

const READ_BYTES = 4 * 1024

export function payForAnswers(app: HttpApp, { accounts }: Services): void {
  app.addHook('preValidation', (request, _reply, done) => {
    const being = request.session?.being
    if (being !== undefined) takeHere(accounts, [{ budget: 'sent-bytes', account: being, cost: 0 }])
    done()
  })
  app.addHook('onSend', (request, _reply, payload, done) => {
    const being = request.session?.being
    if (being !== undefined)
      accounts.spend([{ budget: 'sent-bytes', account: being, cost: Math.max(leastCostOf(request), bytesOf(payload)) }])
    done()
  })
}

const leastCostOf = ({ method }: FastifyRequest): number => (method === 'GET' || method === 'HEAD' ? READ_BYTES : 0)

const bytesOf = (payload: unknown): number =>
  typeof payload === 'string' || Buffer.isBuffer(payload) ? Buffer.byteLength(payload) : 0

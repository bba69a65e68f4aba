import type { Being } from '@rhizom/protocol'
import type { Environment } from '../runtime/environment.ts'
import type { Session } from '../runtime/storage.ts'
import { aBeing } from './space-log.ts'

const DAY_MS = 86_400_000

/** A session as tests need it: a day long, by the date of the environment. A scripted server takes every token. */
export const aSession = (
  environment: Pick<Environment, 'dateMs'>,
  being: Being = aBeing('@ada', { name: 'Ada' }),
): Session => ({ token: 'a-token', expiresAt: environment.dateMs() + DAY_MS, being })

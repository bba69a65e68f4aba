/** `/operator/v1`, at the internal port: what operators look at, and what they do. */
import type { HttpApp } from '../route.ts'
import type { Services } from '../services.ts'
import { registerPersons } from './persons.ts'
import { registerLooks } from './looks.ts'
import { registerModeration } from './moderation.ts'
import { requireOperator } from './require-operator.ts'

export function registerOperator(app: HttpApp, services: Services): void {
  const ofOperators = {
    onRequest: requireOperator(services.config.OPERATOR_TOKENS),
    security: [{ operator: [] }],
  }
  registerLooks(app, services, ofOperators)
  registerModeration(app, services, ofOperators)
  registerPersons(app, services, ofOperators)
}

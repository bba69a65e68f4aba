/** The app's own ear for what no screen shows. A hook that fails itself costs neither the report nor anything else. */
import type { Environment } from '../runtime/environment.ts'
import { callSafely } from './listeners.ts'

export type ErrorHook = (problem: string, cause?: unknown) => unknown

/** The environment as it is, but for where it reports to. */
export function reportingTo(environment: Environment, hook: ErrorHook): Environment {
  const report: Environment['report'] = (problem, cause) => {
    const fallBack: Environment['report'] = (what, error) => {
      environment.report(problem, cause)
      environment.report(what, error)
    }
    callSafely({ report: fallBack }, 'onError', () => hook(problem, cause))
  }
  return new Proxy(environment, { get: (of, key): unknown => (key === 'report' ? report : Reflect.get(of, key)) })
}

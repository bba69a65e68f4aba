/** @rhizom/process: what the server processes share. Node only. */
export { isOriginAllowed } from './allowed-origin.ts'
export {
  Accounts,
  BUDGET_NAMES,
  type BudgetName,
  type Budgets,
  type Charge,
  type OverBudget,
} from './budgets.ts'
export { budgetsSetting } from './budget-setting.ts'
export { BusSeal, forgeries, type OpenOutcome, watchForgeries } from './bus-seal.ts'
export { clientAddress, networkOf } from './client-network.ts'
export { ConditionLog, type ConditionLogDeps } from './condition-log.ts'
export type { Trouble } from './core/condition.ts'
export { besidePort, internalAddress, INTERNAL_VARIABLES } from './internal-address.ts'
export { createLog, type Log, type ProcessLog } from './log.ts'
export { countBudgets, metricSet, type MetricSet, SECONDS, watchConditions } from './metrics.ts'
export { leasesOf, openFields, type PresenceField, sealEntries } from './presence-hash.ts'
export { secretsIn } from './redact.ts'
export { isRedisFailure } from './core/redis-trouble.ts'
export { type AccountTimeouts, RedisAccounts } from './redis-accounts.ts'
export { RedisFitnessCheck } from './redis-fitness-check.ts'
export { beginConnecting, connectRedis } from './redis.ts'
export { cannotListen, type RunningServer, runServer, StartProblem } from './run-server.ts'
export {
  SECRETS_DIFFER,
  type TokenFault,
  type TokenHolder,
  type VerifiedToken,
  verifySessionToken,
} from './session-token.ts'
export {
  common,
  type ConfigOf,
  type EnvironmentVariables,
  httpUrls,
  orNothing,
  type ParsedSettings,
  parseSettings,
  type Setting,
  setting,
  type SettingsTable,
  url,
  whole,
} from './settings.ts'
export { busSecretsOf, internalTokensOf } from './shared-secrets.ts'
export {
  keySetOf,
  newTokenKey,
  publicJwkSchema,
  type SigningKey,
  signingKeysOf,
  tokenKeySettings,
  type VerifyingKeys,
  verifyingKeysOf,
} from './token-keys.ts'
export { throttledWarn } from './throttled-warn.ts'

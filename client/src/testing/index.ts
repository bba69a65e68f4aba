/** @rhizom/client/testing: a server in memory and a clock by hand, for the tests of others. */
export { aSession } from './a-session.ts'
export {
  type ManualEnvironment,
  type ManualEnvironmentParts,
  manualEnvironment,
} from './manual-environment.ts'
export {
  type Answer,
  problem,
  type Route,
  type ScriptedConnection,
  ScriptedServer,
  type SocketScript,
} from './scripted-server.ts'
export { aBeing, anUtterance, type LogEntry, plainText, SpaceLog } from './space-log.ts'

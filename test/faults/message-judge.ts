/**
 * Holds what was promised to writers and given to clients against the log, as the api tells it over HTTP. Writing must
 * be held meanwhile. What was found right is let go, so that each verdict says something about its own fault.
 */
import type { Acknowledgements } from './acknowledgements.ts'
import type { Heads, Rig } from './rig.ts'
import { pagesOf, type SpaceLog } from './space-log.ts'
import { addFindings, type Findings, noFindings } from './verdict.ts'
import type { Watcher } from './watcher.ts'

/** Those who were promised and given. */
export interface Audience {
  readonly rig: Rig
  readonly apis: readonly string[]
  readonly owner: { token: string }
  readonly allSpaces: readonly string[]
  readonly logs: ReadonlyMap<string, SpaceLog>
  readonly acknowledgements: Acknowledgements
  readonly visitors: { readonly pages: readonly Watcher[] }
  watchersOf(space: string): readonly Watcher[]
  untilLevel(heads: Heads, withinMs: number): Promise<number>
}

export class MessageJudge {
  readonly #audience: Audience

  constructor(audience: Audience) {
    this.#audience = audience
  }

  /** Reads each log to its head. */
  async readLogs(): Promise<Findings> {
    const { apis, owner, logs } = this.#audience
    const findings = noFindings()
    const pages = pagesOf(apis[0] ?? '', owner.token)
    for (const log of logs.values()) addFindings(findings, await log.readOn(pages), 'api')
    return findings
  }

  /** Waits until every client's version is that of the log, then compares everything with it. */
  async verify(withinMs: number): Promise<Findings> {
    const audience = this.#audience
    const findings = await this.readLogs()
    await audience.untilLevel(audience.logs, withinMs)
    for (const log of audience.logs.values()) {
      addFindings(findings, audience.acknowledgements.judge(log), 'acknowledged')
      for (const watcher of audience.watchersOf(log.space)) {
        const witness = watcher.witnesses.get(log.space)
        if (witness === undefined) continue
        const { position } = witness
        if (position?.epoch !== log.epoch || position.version !== log.version)
          findings.outOfOrder.push(
            `${watcher.name}: ${log.space} is at ${position?.version}, the log at ${log.version}`,
          )
        addFindings(findings, log.judge(witness), watcher.name)
        witness.forgetVerified()
      }
      audience.acknowledgements.forget(log.space)
      log.forget()
    }
    this.#forgetVisitors()
    return findings
  }

  /** Begins to judge from here, where a failed drill left more than can be said. */
  async beginAnew(withinMs: number): Promise<void> {
    const audience = this.#audience
    const heads = await audience.rig.heads(audience.allSpaces)
    await audience.untilLevel(heads, withinMs)
    for (const [space, { epoch, version }] of heads) {
      audience.logs.get(space)?.beginAt(epoch, version)
      audience.acknowledgements.forget(space)
      for (const { witnesses } of audience.watchersOf(space)) witnesses.get(space)?.forgetVerified()
    }
    this.#forgetVisitors()
  }

  /** They may be anywhere in the log, so of them only what contradicts itself counts, which is told apart from this. */
  #forgetVisitors(): void {
    for (const { witnesses } of this.#audience.visitors.pages)
      for (const witness of witnesses.values()) witness.forgetVerified()
  }
}

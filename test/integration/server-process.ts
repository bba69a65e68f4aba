/** An api or a gateway as a process of its own, with whatever settings, and what it says. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { repository } from '@rhizom/infra/local/places.ts'
import { z } from 'zod'
import { eventually } from '@rhizom/kit/eventually.ts'
import { nodeStart } from '@rhizom/kit/node-start.ts'

const lineSchema = z.looseObject({
  level: z.int(),
  time: z.iso.datetime(),
  component: z.string(),
  msg: z.string(),
  url: z.string().optional(),
})
export type LogLine = z.infer<typeof lineSchema>

const WARN = 40
/** How long it is waited for, on whatever machine; what is said has its own time. */
const PATIENCE_MS = 60_000

export class ServerProcess {
  readonly child: ChildProcess
  out = ''
  err = ''

  constructor(part: 'api' | 'gateway', env: Readonly<Record<string, string>>) {
    const { PATH = '' } = process.env
    const main = join(repository, part, 'src', 'main.ts')
    this.child = spawn(process.execPath, [main], {
      env: { PATH, PORT: '0', ...nodeStart(), ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.child.stdout?.on('data', (data) => (this.out += String(data)))
    this.child.stderr?.on('data', (data) => (this.err += String(data)))
  }

  /** Every line of the log so far; throws on one that has not its shape. */
  lines(): LogLine[] {
    const whole = this.out.slice(0, this.out.lastIndexOf('\n') + 1)
    return whole
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => lineSchema.parse(JSON.parse(line)))
  }

  /** Those that somebody should read. */
  warnings(): LogLine[] {
    return this.lines().filter(({ level }) => level >= WARN)
  }

  saying(text: string): LogLine[] {
    return this.lines().filter(({ msg }) => msg.includes(text))
  }

  async url(): Promise<string> {
    const said = (): string | undefined => this.lines().find(({ url }) => url !== undefined)?.url
    await eventually(`it listens: ${this.err}`, () => said() !== undefined || this.child.exitCode !== null, PATIENCE_MS)
    return said() ?? ''
  }

  async says(text: string): Promise<LogLine> {
    await eventually(`it says "${text}"`, () => this.saying(text).length > 0, PATIENCE_MS)
    const [line] = this.saying(text)
    if (line === undefined) throw new Error('said and gone')
    return line
  }

  async readiness(): Promise<number> {
    return (await fetch(`${await this.url()}/readyz`)).status
  }

  async ended(): Promise<number | null> {
    if (this.child.exitCode === null && this.child.signalCode === null) await once(this.child, 'close')
    return this.child.exitCode
  }

  async kill(): Promise<void> {
    this.child.kill('SIGKILL')
    await this.ended()
  }
}

/**
 * The floor that writes are measured against: the rows of one intention.create, written by prepared statements that
 * decide nothing, 64 clients at a time, one transaction each. By pgbench where the machine has it, which costs less
 * processor time than any client of Node.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** `:space` is the number of a space, of those that `@bench-` begins. */
const script = (spaces: number, text: string): string => `\\set space random(0, ${spaces - 1})
begin;
update spaces set version = version + 1 where id = '@bench-' || :space returning version, epoch \\gset
insert into intentions (id, type, state, owner, location, content, rev, position, created_at, modified_at)
  values (gen_random_uuid(), 'utterance', 'complete', '@floor', '@bench-' || :space, '["${text}"]', :version, :version, now(), now());
insert into changes (space, epoch, version, kind, actor, mutation, body, at)
  values ('@bench-' || :space, :epoch, :version, 'intention.put', '@floor', gen_random_uuid(),
    json_build_object('id', gen_random_uuid(), 'type', 'utterance', 'state', 'complete', 'owner', '@floor',
      'location', '@bench-' || :space, 'content', json_build_array('${text}'), 'rev', :version::bigint, 'createdAt', 1790000000000,
      'modifiedAt', 1790000000000, 'replyTo', null, 'attempt', 1, 'claim', null), now());
insert into mutations (actor, id, status, version, at) values ('@floor', gen_random_uuid(), 'applied', :version, now());
commit;
`

export interface Floor {
  perSecond: number
  meanMs: number
}

export function hasPgbench(): boolean {
  try {
    execFileSync('pgbench', ['--version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

export function runPgbench(url: string, spaces: number, text: string, clients: number, seconds: number): Floor {
  const folder = mkdtempSync(join(tmpdir(), 'rhizom-bench-'))
  try {
    const file = join(folder, 'same-rows.sql')
    writeFileSync(file, script(spaces, text))
    const threads = Math.min(2, clients)
    const flags = ['-n', '-M', 'prepared', '-c', `${clients}`, '-j', `${threads}`, '-T', `${seconds}`, '-f', file, url]
    const printed = execFileSync('pgbench', flags, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
    return {
      perSecond: Number(/^tps = ([\d.]+)/m.exec(printed)?.[1]),
      meanMs: Number(/^latency average = ([\d.]+)/m.exec(printed)?.[1]),
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { takeLock } from './lock.ts'
import type { LookUpProcess } from './process-facts.ts'

let folder = ''
let file = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'rhizom-lock-'))
  file = join(folder, 'start.lock')
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

/** A machine on which exactly these processes run, by pid and start time. */
const machine =
  (running: Record<number, string>): LookUpProcess =>
  (pid) =>
    running[pid] === undefined ? undefined : { pid, parent: 1, startedAt: running[pid], command: 'node' }

test('I11 the second is told who holds it, until the first lets go', () => {
  const both = machine({ 1: 'monday', 2: 'tuesday' })
  const first = takeLock(file, 1, both)
  expect(takeLock(file, 2, both)).toEqual({ held: false, holder: 1 })
  if (first.held) first.release()
  expect(takeLock(file, 2, both).held).toBe(true)
})

test('I11 a holder that was killed does not keep it', () => {
  takeLock(file, 1, machine({ 1: 'monday' }))
  expect(takeLock(file, 2, machine({ 2: 'tuesday' })).held).toBe(true)
  expect(readdirSync(folder)).toEqual(['start.lock'])
})

test('I5 I11 nor does another process that was given its pid', () => {
  takeLock(file, 1, machine({ 1: 'monday' }))
  expect(takeLock(file, 2, machine({ 1: 'friday', 2: 'tuesday' })).held).toBe(true)
})

test('I11 a lock that makes no sense is taken over', () => {
  writeFileSync(file, 'half a lo')
  expect(takeLock(file, 2, machine({ 2: 'tuesday' })).held).toBe(true)
})

test('I11 letting go late does not take the lock from the next holder', () => {
  const first = takeLock(file, 1, machine({ 1: 'monday' }))
  expect(takeLock(file, 2, machine({ 2: 'tuesday' })).held).toBe(true)
  if (first.held) first.release()
  expect(takeLock(file, 3, machine({ 2: 'tuesday', 3: 'now' }))).toEqual({ held: false, holder: 2 })
})

test('I5 I11 this very process holds it for real', () => {
  const lock = takeLock(file)
  expect(takeLock(file)).toEqual({ held: false, holder: process.pid })
  if (lock.held) lock.release()
  expect(readdirSync(folder)).toEqual([])
})

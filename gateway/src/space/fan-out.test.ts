import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { FanOut } from './fan-out.ts'
import { ManualClock } from '@rhizom/machine/testing'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

class Member {
  readonly id: number
  readonly got: string[] = []

  constructor(id: number) {
    this.id = id
  }

  live(batch: Uint8Array): void {
    this.got.push(new TextDecoder().decode(batch))
  }

  get frames(): string[] {
    return this.got.flatMap((message) => message.split('\n'))
  }
}

const made = (maxBatchBytes = 1000) => {
  const clock = new ManualClock()
  return { clock, fanOut: new FanOut<Member>(clock, { windowMs: 8, maxBatchBytes }) }
}

describe('fan-out', () => {
  test('G50 the first frame after quiet goes at once, those within the window together', () => {
    const { clock, fanOut } = made()
    const member = new Member(1)
    fanOut.join(member)
    fanOut.push(bytes('a'), 1)
    expect(member.got).toEqual(['a'])
    clock.advance(3)
    fanOut.push(bytes('b'), 2)
    fanOut.push(bytes('c'), 3)
    expect(member.got).toEqual(['a'])
    expect(fanOut.sentVersion).toBe(1)
    clock.advance(5)
    expect(member.got).toEqual(['a', 'b\nc'])
    expect(fanOut.sentVersion).toBe(3)
    clock.advance(8)
    fanOut.push(bytes('d'), 4)
    expect(member.got.at(-1)).toBe('d')
  })

  test('G7 frames that are no changes do not hide what was sent, nor does a former history', () => {
    const { fanOut } = made()
    fanOut.join(new Member(1))
    fanOut.push(bytes('a'), 9)
    fanOut.push(bytes('who is here'))
    expect([fanOut.isPending, fanOut.sentVersion]).toEqual([false, 9])
    fanOut.flush()
    // Another history begins with a snapshot.
    fanOut.sentUpTo(5)
    fanOut.push(bytes('b'), 6)
    expect([fanOut.isPending, fanOut.sentVersion]).toEqual([true, 5])
  })

  test('G50 a batch does not grow beyond its bound', () => {
    const { fanOut } = made(10)
    const member = new Member(1)
    fanOut.join(member)
    for (const text of ['first', 'second', 'third']) fanOut.push(bytes(text))
    expect(member.got).toEqual(['first', 'second\nthird'])
  })

  test('G51 whoever joins in mid-window gets what came after it joined, and nothing from before', () => {
    const { clock, fanOut } = made()
    const early = new Member(1)
    const late = new Member(2)
    fanOut.join(early)
    fanOut.push(bytes('a'))
    fanOut.push(bytes('b'))
    fanOut.join(late)
    fanOut.push(bytes('c'))
    clock.advance(8)
    expect(early.got).toEqual(['a', 'b\nc'])
    expect(late.got).toEqual(['c'])
  })

  test('G51 any joins and leaves: each member gets exactly what was pushed while it was there', () => {
    const act = fc.oneof(
      fc.record({ type: fc.constant('push' as const), id: fc.constant(0) }),
      fc.record({ type: fc.constantFrom('join' as const, 'leave' as const), id: fc.integer({ min: 1, max: 4 }) }),
      fc.record({ type: fc.constant('wait' as const), id: fc.integer({ min: 0, max: 9 }) }),
    )
    fc.assert(
      fc.property(fc.array(act, { maxLength: 60, size: 'max' }), (acts) => {
        const { clock, fanOut } = made(40)
        const here = new Map<number, { member: Member; due: string[] }>()
        let pushed = 0
        for (const { type, id } of acts) {
          if (type === 'wait') clock.advance(id)
          else if (type === 'leave') {
            fanOut.flush()
            const gone = here.get(id)
            if (gone !== undefined) expect(gone.member.frames).toEqual(gone.due)
            fanOut.leave(id)
            here.delete(id)
          } else if (type === 'join') {
            if (here.has(id)) continue
            const member = new Member(id)
            here.set(id, { member, due: [] })
            fanOut.join(member)
          } else {
            const frame = `f${++pushed}`
            fanOut.push(bytes(frame))
            for (const { due } of here.values()) due.push(frame)
          }
        }
        clock.advance(20)
        for (const { member, due } of here.values()) expect(member.frames).toEqual(due)
      }),
    )
  })

  test('G50 a member that leaves while a batch is sent costs the others nothing', () => {
    const { fanOut } = made()
    const members = [1, 2, 3].map((id) => new Member(id))
    const [first, leaver, last] = members
    if (first === undefined || leaver === undefined || last === undefined) throw new Error('three members')
    leaver.live = () => fanOut.leave(leaver.id)
    for (const member of members) fanOut.join(member)
    fanOut.push(bytes('a'))
    expect(fanOut.size).toBe(2)
    expect(last.got).toEqual(['a'])
  })
})

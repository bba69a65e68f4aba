import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Queue } from './queue.ts'

test('G225 what waits comes out in its order, whatever is asked between', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom('push', 'shift', 'first'), { size: 'max', maxLength: 500 }), (acts) => {
      const queue = new Queue<number>()
      const model: number[] = []
      for (const [index, act] of acts.entries()) {
        if (act === 'push') {
          queue.push(index)
          model.push(index)
        } else if (act === 'shift') expect(queue.shift()).toBe(model.shift())
        else expect(queue.first).toBe(model[0])
        expect(queue.size).toBe(model.length)
      }
    }),
  )
})

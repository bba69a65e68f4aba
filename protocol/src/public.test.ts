import { expect, test } from 'vitest'
import * as inner from './inner.ts'
import * as whole from './index.ts'
import * as face from './public.ts'

test('P46 whoever installs the package finds what clients and servers say, and the rest behind ./internal', () => {
  const [open, closed] = [Object.keys(face), Object.keys(inner)]
  expect(open).toEqual(expect.arrayContaining(['LIMITS', 'CLOSE', 'mutationSchema', 'serverFrameSchema', 'place']))
  expect(closed).toEqual(expect.arrayContaining(['REDIS', 'internalReadSchema', 'SESSION_TOKEN', 'weakSecretProblem']))
  expect([...open, ...closed].sort()).toEqual(Object.keys(whole).sort())
})

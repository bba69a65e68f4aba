/** The schema of a problem document (problem.ts). */
import { z } from 'zod'

export const problemSchema = z.object({
  type: z.string().default('about:blank'),
  title: z.string(),
  status: z.int(),
  code: z.string().describe('One of the codes of the protocol; unknown ones follow their status'),
  detail: z.string(),
  path: z.string().optional().describe('Where in the request the fault is, as mutations.0.args.name'),
  retryAfterMs: z.int().optional(),
})
export type Problem = z.infer<typeof problemSchema>

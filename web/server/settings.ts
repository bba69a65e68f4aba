/**
 * The settings of the page server: one table, parsed once by main.ts. The launcher (infra/local/parts.ts) sets them.
 */
import { z } from 'zod'

const urls = z
  .string()
  .transform((text) => text.split(',').map((url) => url.trim()))
  .pipe(z.array(z.url({ protocol: /^http$/ })).min(1))

const schema = z.object({
  HOST: z.string().min(1).default('127.0.0.1').describe('Address to listen on'),
  PORT: z.coerce.number().int().min(0).max(65_535).default(5173).describe('Port to listen on; 0 takes a free one'),
  PAGE_DIRECTORY: z.string().min(1).describe('The folder with the built page; nothing else is served'),
  API_URLS: urls.describe('The api nodes, separated by commas, in the order to try them'),
  GATEWAY_URLS: urls.describe('The gateways, separated by commas, over which sockets are spread'),
  PAGE_NAMES: z
    .string()
    .transform((text) => text.split(','))
    .optional()
    .describe('Names of the page beside localhost and addresses, separated by commas; every name, if left out'),
  REQUEST_TIMEOUT_MS: z.coerce
    .number()
    .int()
    .min(100)
    .default(10_000)
    .describe('How long a client has to send a request, head and body'),
  MAX_BODY_BYTES: z.coerce
    .number()
    .int()
    .min(1)
    .default(1024 * 1024)
    .describe('What the api takes as the body of a request; a little more passes, so that it is the api that refuses'),
})
export type PageSettings = z.infer<typeof schema>

/** Throws an error whose message names each variable that is wrong, and never its value. */
export function readSettings(environment: NodeJS.ProcessEnv): PageSettings {
  const parsed = schema.safeParse(environment)
  if (parsed.success) return parsed.data
  throw new Error(parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('\n'))
}

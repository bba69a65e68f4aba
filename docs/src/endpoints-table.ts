/** The public endpoints of the api, as its own OpenAPI document lists them. */
import { z } from 'zod'
import { table } from './table.ts'

const operation = z.looseObject({ summary: z.string() })
const openApi = z.looseObject({ paths: z.record(z.string(), z.record(z.string(), operation)) })

export function endpointsTable(document: unknown): string {
  const { paths } = openApi.parse(document)
  const rows = Object.entries(paths)
    .filter(([path]) => path.startsWith('/v1/'))
    .flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, { summary }]) => [`\`${method.toUpperCase()} ${path}\``, summary]),
    )
  return table(['call', 'what it does'], rows)
}

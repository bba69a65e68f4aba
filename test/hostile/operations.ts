/** The operations of an api, read from its own descriptions, one a port: a new one is attacked unasked. */
import { call } from '../wire/api-caller.ts'
import type { JsonSchema } from './fuzz/json-schema.ts'

export interface Parameter {
  in: string
  name: string
  schema: JsonSchema
}

export interface Operation {
  method: string
  path: string
  parameters: readonly Parameter[]
  body: JsonSchema | undefined
  /** Of its answers, by status. */
  answers: ReadonlyMap<number, JsonSchema>
  /** Holds what references in the schemas name. */
  document: { $defs: Readonly<Record<string, JsonSchema>> }
}

interface Content {
  content?: Record<string, { schema?: JsonSchema }>
}

interface OpenApi {
  components?: { schemas?: Readonly<Record<string, JsonSchema>> }
  paths: Record<
    string,
    Record<string, { parameters?: Parameter[]; requestBody?: Content; responses?: Record<string, Content> }>
  >
}

const schemaOf = (content: Content | undefined): JsonSchema | undefined =>
  content?.content?.['application/json']?.schema

/** The two addresses of an api. */
export interface ApiAddresses {
  url: string
  internalUrl: string
}

/** Which of them a path belongs to. */
export const addressOf = ({ url, internalUrl }: ApiAddresses, path: string): string =>
  isForGateways(path) || isForOperators(path) ? internalUrl : url

/** Whether its token is that of gateways. */
export const isForGateways = (path: string): boolean => path.startsWith('/internal/')

export const isForOperators = (path: string): boolean => path.startsWith('/operator/')

export async function readOperations({ url, internalUrl }: ApiAddresses): Promise<Operation[]> {
  return [...(await operationsAt(url)), ...(await operationsAt(internalUrl))]
}

async function operationsAt(api: string): Promise<Operation[]> {
  const { body } = await call<OpenApi>(api, 'GET', '/openapi.json')
  // Schemas alone refer to each other by another name than schemas within OpenAPI.
  const renamed: OpenApi = JSON.parse(JSON.stringify(body).replaceAll('#/components/schemas/', '#/$defs/'))
  const named = [...JSON.stringify(renamed).matchAll(/#\/\$defs\/(\w+)/g)].map(([, name = '']) => [name, {}] as const)
  const document = { $defs: { ...Object.fromEntries(named), ...renamed.components?.schemas } }
  return Object.entries(renamed.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { parameters = [], requestBody, responses = {} }]) => ({
      method: method.toUpperCase(),
      path,
      parameters,
      body: schemaOf(requestBody),
      answers: new Map(
        Object.entries(responses).flatMap(([status, content]) => {
          const schema = schemaOf(content)
          return schema === undefined ? [] : [[Number(status), schema] as const]
        }),
      ),
      document,
    })),
  )
}

/** Its path with names in place of the braces. */
export const pathOf = ({ path }: Operation, nameOf: (parameter: string) => string): string =>
  path.replaceAll(/\{([^}]+)\}/g, (_, name: string) => nameOf(name))

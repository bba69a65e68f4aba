/**
 * Reading untyped YAML: files with unique keys, and safe steps into values whose shape nobody has checked yet.
 * Every checker here gets its values through these.
 */
import { readFileSync } from 'node:fs'
import { parseAllDocuments } from 'yaml'

export type YamlRecord = Record<string, unknown>

export const isRecord = (value: unknown): value is YamlRecord =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The value at a path of keys, or undefined where a step is missing. */
export function valueAt(value: unknown, ...path: readonly string[]): unknown {
  let current = value
  for (const key of path) {
    if (!isRecord(current)) return undefined
    current = current[key]
  }
  return current
}

export const recordAt = (value: unknown, ...path: readonly string[]): YamlRecord => {
  const found = valueAt(value, ...path)
  return isRecord(found) ? found : {}
}

/** The records of the list at a path; anything else in it is left out. */
export const recordsAt = (value: unknown, ...path: readonly string[]): YamlRecord[] => {
  const found = valueAt(value, ...path)
  return Array.isArray(found) ? found.filter(isRecord) : []
}

export const stringsAt = (value: unknown, ...path: readonly string[]): string[] => {
  const found = valueAt(value, ...path)
  return Array.isArray(found) ? found.filter((item) => typeof item === 'string') : []
}

export const stringAt = (value: unknown, ...path: readonly string[]): string | undefined => {
  const found = valueAt(value, ...path)
  return typeof found === 'string' ? found : undefined
}

export const numberAt = (value: unknown, ...path: readonly string[]): number | undefined => {
  const found = valueAt(value, ...path)
  return typeof found === 'number' ? found : undefined
}

export interface YamlDocuments {
  documents: unknown[]
  /** Syntax faults and keys given twice, each with its line. */
  problems: string[]
}

/** The documents of YAML text. A key given twice is a problem: the second would silently win. */
export function parseYaml(text: string, name: string): YamlDocuments {
  const problems: string[] = []
  const documents: unknown[] = []
  for (const document of parseAllDocuments(text, { uniqueKeys: true, merge: true })) {
    for (const fault of [...document.errors, ...document.warnings]) {
      problems.push(`${name}:${fault.linePos?.[0].line ?? '?'}: ${fault.message.split('\n')[0] ?? fault.code}`)
    }
    if (document.errors.length === 0) documents.push(document.toJS())
  }
  return { documents: documents.filter((value) => value !== null && value !== undefined), problems }
}

export const readYaml = (file: string): YamlDocuments => parseYaml(readFileSync(file, 'utf8'), file)

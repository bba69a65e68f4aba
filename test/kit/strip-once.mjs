/**
 * Loaded before a process of the tests (`--import`): types are stripped from a source once, and not by each of the
 * hundreds of processes that a run starts. Node keeps compiled code (NODE_COMPILE_CACHE) and strips it anew all the
 * same, which is almost half of a start. JavaScript, because whoever loads TypeScript loads what strips it.
 */
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { registerHooks, stripTypeScriptTypes } from 'node:module'
import { join } from 'node:path'

const folder = join(import.meta.dirname, '../../.local/cache/stripped', process.version)

/** As Node strips it, to the letter, so that both go by the same compiled code. */
function stripped(source, url) {
  return `${strippedText(source)}\n\n//# sourceURL=${url}`
}

function strippedText(source) {
  const file = join(folder, `${createHash('sha1').update(source).digest('hex')}.js`)
  try {
    return readFileSync(file, 'utf8')
  } catch {
    // Not there yet: it is made, whole or not at all, since others read it.
  }
  const text = stripTypeScriptTypes(source)
  try {
    mkdirSync(folder, { recursive: true })
    writeFileSync(`${file}.${process.pid}`, text)
    renameSync(`${file}.${process.pid}`, file)
  } catch {
    // Of somebody else, or full: the next one strips it again.
  }
  return text
}

/** A runner of tests adds a question to the address of a test file, to have it anew. */
const OF_OURS = /^file:[^?]+\.ts(\?|$)/

/**
 * What a module names by a path from itself, with its ending, is where it says, and a module too. Node looks for it all
 * the same, and parses the package.json above it to learn its kind: that of drizzle-orm, 180 kB, a hundred times.
 */
const isBeside = (specifier) => /^\.\.?\/.*\.(js|ts)$/.test(specifier)
const isModule = (specifier, { parentURL = '', conditions }) =>
  specifier.endsWith('.ts') ? OF_OURS.test(parentURL) : parentURL.endsWith('.js') && conditions.includes('import')

/** Names by which no process of ours looks for packages: a runner of tests adds them, for what a bundler would take. */
const OF_BUNDLERS = new Set(['development', 'production'])

registerHooks({
  resolve(specifier, context, next) {
    if (!isBeside(specifier) || !isModule(specifier, context)) {
      const conditions = [...context.conditions].filter((name) => !OF_BUNDLERS.has(name))
      return next(specifier, { ...context, conditions })
    }
    return { url: new URL(specifier, context.parentURL).href, format: 'module', shortCircuit: true }
  },
  load(url, context, next) {
    if (!OF_OURS.test(url)) return next(url, context)
    return { format: 'module', source: stripped(readFileSync(new URL(url), 'utf8'), url), shortCircuit: true }
  },
})

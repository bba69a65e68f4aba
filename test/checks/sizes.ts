/**
 * How much an app loads of the client, and a person of the page: bundled, minified and compressed as it is served, and
 * held to limits. `--peers` measures other libraries of the field the same way, installed for it into a folder of its
 * own.
 *
 *   node test/checks/sizes.ts              part of the checks
 *   node test/checks/sizes.ts --peers      needs the npm registry
 *   node test/checks/sizes.ts --modules    what createClient consists of
 */
import { execFileSync } from 'node:child_process'
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join, relative } from 'node:path'
import { parseArgs } from 'node:util'
import { gzipSync } from 'node:zlib'
import { buildPage } from '@rhizom/infra/local/page-build.ts'
import { cacheDirectory, repository } from '@rhizom/infra/local/places.ts'
import { table } from '@rhizom/infra/local/screen.ts'
import { type OutputChunk, type Plugin, rolldown } from 'rolldown'

interface Size {
  what: string
  bytes: number
  /** In bytes; more is a failure. */
  limit?: number
}

/** What an app has already. */
const PROVIDED = [/^react(-dom)?(\/|$)/, /^@tanstack\//]
/** What the client has a page load when it is needed, by the beginning of its name, and its limits. */
const LATER = new Map([
  ['event-stream', 3_000],
  ['stream-place', 500],
  ['polling', 1_700],
  ['kept-device', 3_900],
  ['browser-device', 2_500],
  ['news-feed', 700],
])
/** What the page loads for those who ask for it, in the address or by a button, and for those who are not signed in. */
const ON_DEMAND = ['with-devtools', 'sign-in-elsewhere', 'invite-landing', 'invite-panel']

const gzipped = (text: string | Uint8Array): number => gzipSync(text, { level: 9 }).length

/** What is left of some exports once it is bundled; packages are looked for from a folder. */
async function bundle(exported: string, folder: string, plugins: Plugin[] = []): Promise<OutputChunk[]> {
  const entry = join(folder, 'exported.js')
  const own: Plugin = {
    name: 'exported',
    resolveId: (id) => (id === entry ? id : null),
    load: (id) => (id === entry ? exported : null),
  }
  const build = await rolldown({
    input: entry,
    cwd: folder,
    platform: 'browser',
    external: PROVIDED,
    transform: { target: 'es2022', define: { 'process.env.NODE_ENV': '"production"' } },
    plugins: [own, ...plugins],
  })
  // Without what is said to bundlers alone, as a build leaves it out as well.
  const { output } = await build.generate({ minify: true, format: 'es', comments: false })
  await build.close()
  return output.filter((part) => part.type === 'chunk')
}

const LOADED_LATER: Plugin = { name: 'later', resolveDynamicImport: (id) => ({ id, external: true }) }

/** What is loaded at once: without what the client itself loads later. */
async function atOnce(exported: string, folder: string): Promise<number> {
  const chunks = await bundle(exported, folder, [LOADED_LATER])
  return chunks.reduce((sum, { code }) => sum + gzipped(code), 0)
}

/** By module, how much less of `createClient` there would be without it. */
async function moduleSizes(): Promise<Size[]> {
  const [chunk] = await bundle(CORE, join(repository, 'web'), [LOADED_LATER])
  const modules = Object.entries(chunk?.modules ?? {}).map(([id, { code }]) => ({ id, code: code ?? '' }))
  const all = gzipped(modules.map(({ code }) => code).join('\n'))
  // Modules are seen before they are made small together: each is given its share of what is left of all.
  const scale = gzipped(chunk?.code ?? '') / all
  return modules
    .map(({ id, code: own }) => {
      const others = gzipped(modules.flatMap(({ code }) => (code === own ? [] : [code])).join('\n'))
      return { what: relative(repository, id), bytes: Math.round((all - others) * scale) }
    })
    .toSorted((a, b) => b.bytes - a.bytes)
}

const CORE = `export { createClient } from '@rhizom/client'`
const EXAMPLE = `
export { guestSession, textOf } from '@rhizom/client'
export { RhizomProvider, useSay, useSpaceIntentions } from '@rhizom/client/react'`
const EVERYTHING = `export * from '@rhizom/client'; export * from '@rhizom/client/react'`

async function clientSizes(): Promise<Size[]> {
  const folder = join(repository, 'web')
  const chunks = await bundle(EVERYTHING, folder)
  const schemas = chunks.flatMap(({ moduleIds }) => moduleIds).filter((id) => id.includes('/node_modules/zod/'))
  if (schemas.length > 0) throw new Error('a client loads schemas again: take the checks that are printed from them')
  return [
    { what: 'client: createClient, with WebSocket', bytes: await atOnce(CORE, folder), limit: 29_650 },
    { what: 'client: all that it exports, with the hooks', bytes: await atOnce(EVERYTHING, folder), limit: 38_250 },
    { what: 'client: what the example of the README loads', bytes: await atOnce(EXAMPLE, folder), limit: 32_500 },
    ...Array.from(LATER, ([name, limit]) => {
      const chunk = chunks.find(({ fileName }) => basename(fileName).startsWith(name))
      if (chunk === undefined) throw new Error(`${name} is not loaded later any more`)
      return { what: `client, when needed: ${name}`, bytes: gzipped(chunk.code), limit }
    }),
  ]
}

/** The scripts that the built page names, which is what is loaded before anything shows, and all that it needs. */
async function pageSizes(scratch: string): Promise<Size[]> {
  // As it is served, by tests too: so it is built once for all of them.
  const { directory: built } = await buildPage({
    directory: join(cacheDirectory, 'page'),
    logFile: join(scratch, 'page-build.log'),
  })
  const page = readFileSync(join(built, 'index.html'), 'utf8')
  const scripts = [...page.matchAll(/(?:src|href)="\/([^"]+\.js)"/g)].map(([, path = '']) => path)
  const all = globSync('assets/*.js', { cwd: built }).filter(
    (path) => ![...LATER.keys(), ...ON_DEMAND].some((name) => path.includes(name)),
  )
  const sum = (paths: readonly string[]): number =>
    paths.reduce((bytes, path) => bytes + gzipped(readFileSync(join(built, path))), 0)
  return [
    { what: 'page: its first scripts, React among them', bytes: sum(scripts), limit: 78_200 },
    { what: 'page: all of a person who is signed in', bytes: sum(all), limit: 132_600 },
  ]
}

const PEERS = [
  { name: 'socket.io-client', version: '4.8.4', exported: `export { io } from 'socket.io-client'` },
  { name: 'centrifuge', version: '5.8.0', exported: `export { Centrifuge } from 'centrifuge'` },
  { name: '@liveblocks/client', version: '3.24.0', exported: `export { createClient } from '@liveblocks/client'` },
]

async function peerSizes(scratch: string): Promise<Size[]> {
  writeFileSync(join(scratch, 'package.json'), '{"private": true}')
  const packages = PEERS.map(({ name, version }) => `${name}@${version}`)
  execFileSync('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts', ...packages], { cwd: scratch })
  return Promise.all(
    PEERS.map(async ({ name, version, exported }) => ({
      what: `${name} ${version}`,
      bytes: await atOnce(exported, scratch),
    })),
  )
}

const { values } = parseArgs({
  options: { peers: { type: 'boolean', default: false }, modules: { type: 'boolean', default: false } },
})
const scratch = mkdtempSync(join(tmpdir(), 'rhizom-sizes-'))
try {
  const sizes = values.modules
    ? await moduleSizes()
    : [...(await clientSizes()), ...(await pageSizes(scratch)), ...(values.peers ? await peerSizes(scratch) : [])]
  const inKb = (bytes: number): string => `${(bytes / 1000).toFixed(values.modules ? 2 : 1)} kB`
  const rows = sizes.map(({ what, bytes, limit }) => [
    what,
    inKb(bytes),
    limit === undefined ? '' : `at most ${inKb(limit)}${bytes > limit ? ': too large' : ''}`,
  ])
  process.stdout.write(`${table(rows)}\n`)
  if (sizes.some(({ bytes, limit = Infinity }) => bytes > limit)) process.exitCode = 1
} finally {
  rmSync(scratch, { recursive: true, force: true })
}

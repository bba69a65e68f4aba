/**
 * What an app can name of the client, as reports that are in the repository, so that a review sees what changes of it.
 * The packages are built and laid out as they are once installed, and read there.
 *
 *   node test/checks/public-face.ts            fails where the reports are another
 *   node test/checks/public-face.ts --write    rewrites them
 */
import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { parseArgs } from 'node:util'
import { repository } from '@rhizom/infra/local/places.ts'
import { publishedPackages } from '@rhizom/infra/pack/packages.ts'
import { CompilerState, Extractor, ExtractorConfig } from '@microsoft/api-extractor'
import { z } from 'zod'

const NAME = '@rhizom/client'
const REPORTS = join(repository, 'client', 'api')

const COMPILER = {
  target: 'es2023',
  lib: ['es2023', 'dom', 'dom.iterable'],
  module: 'esnext',
  moduleResolution: 'bundler',
  types: [],
  strict: true,
  skipLibCheck: true,
}

const manifestSchema = z.looseObject({
  publishConfig: z.object({ exports: z.record(z.string(), z.union([z.string(), z.object({ types: z.string() })])) }),
})
type Manifest = z.infer<typeof manifestSchema>

/** Lays out the built client, and where it finds them those that it needs; gives back what it exports. */
function layOut(home: string, modules: string): Manifest['publishConfig']['exports'] {
  let exported: Manifest['publishConfig']['exports'] = {}
  for (const { name, folder } of publishedPackages()) {
    execFileSync(process.execPath, [join(repository, 'infra', 'pack', 'build.ts')], { cwd: folder })
    const manifest = manifestSchema.parse(JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')))
    const { exports } = manifest.publishConfig
    const place = name === NAME ? home : join(modules, name)
    cpSync(join(folder, 'dist'), join(place, 'dist'), { recursive: true })
    writeFileSync(join(place, 'package.json'), JSON.stringify({ ...manifest, exports }))
    for (const dependency of ['zod', 'react', '@types/react', '@tanstack/react-query', 'eventsource-parser'])
      link(join(folder, 'node_modules', dependency), join(modules, dependency))
    if (name === NAME) exported = exports
  }
  return exported
}

function link(from: string, to: string): void {
  if (!existsSync(from) || existsSync(to)) return
  mkdirSync(dirname(to), { recursive: true })
  symlinkSync(from, to)
}

function configOf(home: string, entry: string, types: string): ExtractorConfig {
  return ExtractorConfig.prepare({
    packageJsonFullPath: join(home, 'package.json'),
    configObjectFullPath: undefined,
    configObject: {
      projectFolder: home,
      mainEntryPointFilePath: join(home, types),
      newlineKind: 'lf',
      compiler: { overrideTsconfig: { compilerOptions: COMPILER, include: ['dist'] } },
      apiReport: {
        enabled: true,
        reportFileName: entry === '.' ? 'client' : `client-${entry.slice(2)}`,
        reportFolder: REPORTS,
        reportTempFolder: join(home, 'report'),
      },
      docModel: { enabled: false },
      dtsRollup: { enabled: false },
      tsdocMetadata: { enabled: false },
    },
  })
}

/** The reports that are not those in the repository; rewritten if that is asked for. */
function changedReports(home: string, entries: readonly (readonly [string, string])[], write: boolean): string[] {
  const configs = entries.map(([entry, types]) => configOf(home, entry, types))
  const [first] = configs
  if (first === undefined) throw new Error('the client exports nothing')
  const additionalEntryPoints = configs.map(({ mainEntryPointFilePath }) => mainEntryPointFilePath)
  const compilerState = CompilerState.create(first, { additionalEntryPoints })
  return configs
    .filter((config) => {
      const { apiReportChanged } = Extractor.invoke(config, {
        compilerState,
        localBuild: write,
        messageCallback(message) {
          // It is said below what to do.
          message.handled = true
        },
      })
      return apiReportChanged
    })
    .map(({ reportFilePath }) => relative(repository, reportFilePath))
}

const { values } = parseArgs({ options: { write: { type: 'boolean', default: false } } })
const scratch = mkdtempSync(join(tmpdir(), 'rhizom-face-'))
try {
  // Not below node_modules itself: what lies there counts as somebody else's.
  const home = join(scratch, 'client')
  const entries = Object.entries(layOut(home, join(scratch, 'node_modules'))).flatMap(([entry, target]) =>
    typeof target === 'string' ? [] : [[entry, target.types] as const],
  )
  mkdirSync(REPORTS, { recursive: true })
  const changed = changedReports(home, entries, values.write)
  if (changed.length > 0 && !values.write) {
    process.stdout.write(`what an app can name of the client is another than in ${changed.join(', ')}:\n`)
    process.stdout.write('if that is meant, node test/checks/public-face.ts --write rewrites it\n')
    process.exitCode = 1
  }
} finally {
  rmSync(scratch, { recursive: true, force: true })
}

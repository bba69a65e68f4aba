/**
 * An app as Vite's react-ts template makes it, outside of the workspace, with the packages installed from their packs.
 */
import { execFile } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'

/** What the template asks for, and what the client asks an app to have. */
const FROM_THE_REGISTRY = {
  dependencies: { '@tanstack/react-query': '5.108.0', react: '19.3.1', 'react-dom': '19.3.1' },
  devDependencies: {
    '@types/react': '19.3.0',
    '@types/react-dom': '19.3.0',
    '@vitejs/plugin-react': '6.3.0',
    typescript: '7.0.2',
    vite: '8.3.8',
  },
}

/** The flags of the template. */
const TEMPLATE = {
  target: 'es2023',
  lib: ['ES2023', 'DOM', 'DOM.Iterable'],
  module: 'esnext',
  types: ['vite/client'],
  skipLibCheck: true,
  moduleResolution: 'bundler',
  allowImportingTsExtensions: true,
  verbatimModuleSyntax: true,
  moduleDetection: 'force',
  noEmit: true,
  jsx: 'react-jsx',
  strict: true,
  noUnusedLocals: true,
  noUnusedParameters: true,
  erasableSyntaxOnly: true,
  noFallthroughCasesInSwitch: true,
  noUncheckedSideEffectImports: true,
}

const page = (main: string): string => `<!doctype html>
<html lang="en">
  <head><meta charset="UTF-8" /><title>app</title></head>
  <body><div id="root"></div><script type="module" src="/src/${main}"></script></body>
</html>
`

const CONFIG = `import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

export default defineConfig({
  plugins: [react()],
  build: { rolldownOptions: { input: ['index.html', 'served.html'] } },
})
`

export class EmptyApp {
  readonly folder: string

  constructor(folder: string, packs: ReadonlyMap<string, string>, sources: Readonly<Record<string, string>>) {
    this.folder = folder
    mkdirSync(join(folder, 'src'), { recursive: true })
    const installed = Object.fromEntries([...packs].map(([name, file]) => [name, pathToFileURL(file).href]))
    const { dependencies, devDependencies } = FROM_THE_REGISTRY
    this.#write('package.json', {
      name: 'app',
      private: true,
      type: 'module',
      dependencies: { ...dependencies, ...installed },
      devDependencies,
      overrides: installed,
    })
    this.#write('tsconfig.json', { compilerOptions: TEMPLATE, include: ['src'] })
    this.#write('index.html', page('main.tsx'))
    this.#write('served.html', page('served-main.tsx'))
    this.#write('vite.config.ts', CONFIG)
    for (const [name, text] of Object.entries(sources)) this.#write(join('src', name), text)
  }

  #write(path: string, content: string | object): void {
    const text = typeof content === 'string' ? content : JSON.stringify(content, null, 2)
    writeFileSync(join(this.folder, path), text)
  }

  async install(): Promise<void> {
    await this.#run('npm', 'install', '--prefer-offline', '--no-audit', '--no-fund', '--ignore-scripts')
  }

  /** Throws with what the compiler says. */
  async checkTypes(...flags: readonly string[]): Promise<void> {
    await this.#run(process.execPath, 'node_modules/typescript/bin/tsc', '--pretty', 'false', '-p', '.', ...flags)
  }

  /** Throws where a module, or what it imports, is not there. */
  async load(module: string): Promise<void> {
    await this.#run(process.execPath, '--input-type=module', '--eval', `await import('${module}')`)
  }

  /** Throws where a source of the app ends with an error. */
  async run(source: string): Promise<void> {
    await this.#run(process.execPath, join('src', source))
  }

  /** The folder of the built app. */
  async build(): Promise<string> {
    await this.#run(process.execPath, 'node_modules/vite/bin/vite.js', 'build', '--logLevel', 'warn')
    return join(this.folder, 'dist')
  }

  /** What a function of a source, built for servers, gives as text. */
  async callOnServer(source: string, call: string, ...args: readonly string[]): Promise<string> {
    const name = source.replace(/\.tsx?$/, '.js')
    const [vite, flags] = ['node_modules/vite/bin/vite.js', ['--outDir', 'server', '--logLevel', 'warn']]
    await this.#run(process.execPath, vite, 'build', '--ssr', join('src', source), ...flags)
    const script = `import { ${call} } from './server/${name}'
      process.stdout.write(await ${call}(${args.map((arg) => JSON.stringify(arg)).join()}))
      process.exit()`
    return this.#run(process.execPath, '--input-type=module', '--eval', script)
  }

  /** Meanwhile this process goes on: a worker that does not answer its runner for a minute fails the run. */
  async #run(file: string, ...args: readonly string[]): Promise<string> {
    // What a test run sets is not the app's.
    const { NODE_ENV: _nodeEnv, VITEST: _vitest, ...env } = process.env
    const { stdout } = await promisify(execFile)(file, args, { cwd: this.folder, env }).catch(
      (cause: { stdout?: string; stderr?: string }) => {
        throw new Error(`${file} ${args.join(' ')}:\n${cause.stdout}\n${cause.stderr}`, { cause })
      },
    )
    return stdout
  }
}

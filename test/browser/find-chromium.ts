/**
 * A browser for the browser tests: the one TEST_CHROMIUM names, else a Chromium or Chrome that is installed, else, for
 * root on Debian, the one of the distribution, which is then installed. Undefined where there is none to be had.
 */
import { spawnSync } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { join } from 'node:path'

const NAMES = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome', 'chrome']
const ELSEWHERE = [
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
]

function runs(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}

export function installedChromium(environment: NodeJS.ProcessEnv = process.env): string | undefined {
  const folders = (environment['PATH'] ?? '').split(':').filter((folder) => folder !== '')
  const candidates = [
    ...(environment['TEST_CHROMIUM'] === undefined ? [] : [environment['TEST_CHROMIUM']]),
    ...folders.flatMap((folder) => NAMES.map((name) => join(folder, name))),
    ...ELSEWHERE,
  ]
  return candidates.find(runs)
}

/** Installs Debian's Chromium where that is possible without asking anyone. */
export function installChromium(say: (line: string) => void): string | undefined {
  const possible = process.getuid?.() === 0 && spawnSync('apt-get', ['--version']).status === 0
  if (!possible) return undefined
  say('installing Chromium with apt-get (about 100 MB)')
  const environment = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  for (const args of [['update'], ['install', '--yes', '--no-install-recommends', 'chromium']]) {
    const { status, stderr } = spawnSync('apt-get', args, { env: environment, encoding: 'utf8' })
    if (status !== 0) {
      say(`apt-get ${args[0]} failed: ${stderr.trim().split('\n').at(-1) ?? ''}`)
      return undefined
    }
  }
  return installedChromium()
}

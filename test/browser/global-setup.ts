/**
 * Vitest calls this once before the browser tests: one browser for all files, in which everybody has a profile of their
 * own, and the system that most of them share. Without a browser they say that they are skipped.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium } from 'playwright-core'
import { shareSystem } from '../e2e/system.ts'
import { installedChromium } from './find-chromium.ts'

const ARGS = ['--disable-background-networking', '--disable-component-update', '--disable-sync', '--no-first-run']

export default async function setUp(): Promise<(() => Promise<void>) | undefined> {
  const executablePath = installedChromium()
  if (executablePath === undefined) return undefined
  const args = [...(process.getuid?.() === 0 ? ['--no-sandbox'] : []), ...ARGS]
  const browser = await chromium.launchServer({ executablePath, args, host: '127.0.0.1' })
  Object.assign(process.env, { TEST_CHROMIUM: executablePath, TEST_BROWSER: browser.wsEndpoint() })
  const directory = mkdtempSync(join(tmpdir(), 'rhizom-browser-'))
  const stop = shareSystem(directory)
  return async () => {
    await Promise.all([browser.close(), stop()])
    rmSync(directory, { recursive: true, force: true })
  }
}

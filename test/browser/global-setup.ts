/** Vitest calls this once before the browser tests; without a browser they say that they are skipped. */
import { installedChromium } from './find-chromium.ts'

export default function setUp(): void {
  const chromium = installedChromium()
  if (chromium !== undefined) process.env['TEST_CHROMIUM'] = chromium
}

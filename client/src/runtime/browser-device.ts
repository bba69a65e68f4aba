/** What a browser has to keep things and to share them between pages. Loaded when it is needed. */
import type { DevicePorts } from './device-ports.ts'
import { eraseIndexedDbVault, openIndexedDbVault } from './indexed-db-vault.ts'
import { openBrowserTabs } from './tabs.ts'

export const browserDevice: DevicePorts = {
  vault: { open: openIndexedDbVault, erase: eraseIndexedDbVault },
  openTabs: openBrowserTabs,
}

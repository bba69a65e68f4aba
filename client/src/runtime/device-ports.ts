import type { OpenTabs } from './tabs.ts'
import type { VaultDoor } from './vault.ts'

/** Where things outlive a page, and how it speaks with the other pages of the browser. */
export interface DevicePorts {
  vault: VaultDoor
  openTabs: OpenTabs
}

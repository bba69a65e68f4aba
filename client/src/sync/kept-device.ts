/** The store of the device and the queue that its pages share. Loaded when it is needed (`device.ts`). */
import type { QueueEvent } from '../core/queue-state.ts'
import type { DevicePorts } from '../runtime/device-ports.ts'
import type { Environment } from '../runtime/environment.ts'
import { createKeeper, type Keeper, type Keeping } from './keeping.ts'
import { createSharedQueue, type SharedQueue } from './shared-queue.ts'

export interface KeptDevice {
  keeper: Keeper
  queue: SharedQueue
}

export interface KeptDeviceDeps extends DevicePorts {
  environment: Pick<Environment, 'nowMs' | 'dateMs' | 'after' | 'random' | 'report'>
  name: string
  dispatch(event: QueueEvent): void
  onState(state: Keeping): void
}

export function openKeptDevice({ environment, name, dispatch, onState, vault, openTabs }: KeptDeviceDeps): KeptDevice {
  const keeper = createKeeper({ environment, door: vault, name })
  keeper.onState(() => onState(keeper.state()))
  return { keeper, queue: createSharedQueue({ environment, openTabs, keeper, name, dispatch }) }
}

/** @rhizom/client/devtools: sees what passes between a client and its servers, and breaks it. For those who build. */
export { type DevtoolsProps, RhizomDevtools } from './devtools.tsx'
export type { Happening, Timeline } from './timeline.ts'
export { createWire, type Faults, NO_FAULTS, type Wire } from './wire.ts'

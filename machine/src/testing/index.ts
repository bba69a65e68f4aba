/** For tests: time that stands still until a test moves it, and chance from a seed. */
export * from './chance.ts'
export * from './manual-clock.ts'
export * from './moment.ts'

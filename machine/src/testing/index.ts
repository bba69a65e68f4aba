/** For tests: time that stands still until a test moves it. */
export * from './manual-clock.ts'
export * from './moment.ts'

/** For the tests of other packages too: databases of their own, and whole api nodes on them. */
export { freshDatabase, type FreshDatabase } from './fresh-database.ts'
export { startApi, type StartApiOptions, type TestApi } from './test-api.ts'

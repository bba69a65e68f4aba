/** Where things lie: the repository, and the folder beside it that holds what is fetched once and shared by all. */
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

export const repository = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '')
export const cacheDirectory = resolve(repository, '.local', 'cache')

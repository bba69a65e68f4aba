/** Packs what is published: `npm run pack`, or `npm run pack -- folder`. */
import { resolve } from 'node:path'
import { repository } from '../local/places.ts'
import { packAll } from './packages.ts'

const directory = resolve(repository, process.argv[2] ?? '.local/packs')
for (const file of packAll(directory).values()) process.stdout.write(`${file}\n`)

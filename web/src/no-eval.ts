/**
 * Schemas are not compiled to code: a strict policy of the page forbids that, and reports even the attempt. Imported
 * before everything else, since a schema decides it when it is made.
 */
import { config } from 'zod'

config({ jitless: true })

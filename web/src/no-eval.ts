/**
 * The page's policy allows no evaluated code (web/server/page-headers.ts). Schemas would try whether it is, and a browser
 * reports the attempt; told before any of them is made, they do without. index.html loads this before everything else.
 */
import { config } from 'zod'

config({ jitless: true })

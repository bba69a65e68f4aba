/** What a Node of the tests is started with, so that starting costs little: what was compiled and stripped is kept. */
const stripOnce = new URL('./strip-once.mjs', import.meta.url).href

/** Types are stripped by strip-once.mjs, about which Node would warn in the log of each process. */
export const startOptions = ['--disable-warning=ExperimentalWarning', '--import', stripOnce]

/** As environment, with options of one's own beside. */
export const nodeStart = (options = ''): { NODE_COMPILE_CACHE: string; NODE_OPTIONS: string } => ({
  NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'] ?? '',
  NODE_OPTIONS: `${startOptions.join(' ')} ${options}`.trim(),
})

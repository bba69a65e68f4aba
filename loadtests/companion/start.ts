/** Starts the companion (main.ts) of a load test; it ends with this process, whatever ends that. */
import { fork } from 'node:child_process'
import { join } from 'node:path'
import { z } from 'zod'

export interface Companion {
  url: string
  stop(): void
}

export async function startCompanion(): Promise<Companion> {
  const child = fork(join(import.meta.dirname, 'main.ts'))
  const url = await new Promise<string>((resolve, reject) => {
    child.once('message', (message) => resolve(z.string().parse(message)))
    child.once('error', reject)
    child.once('exit', (code) => reject(new Error(`the companion ended with ${code ?? 'a signal'}`)))
  })
  return { url, stop: () => void child.kill('SIGKILL') }
}

/**
 * What somebody gets who installs the client: the packages are packed, looked over as publishers do, installed into an
 * empty app outside of the workspace, and the example of the README is built there and runs against a real cluster.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { randomUUID } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core'
import { packAll } from '@rhizom/infra/pack/packages.ts'
import { publint } from 'publint'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { chromiumPath, useOwnStage } from '../e2e/stage.ts'
import { apply, freshId, signIn } from '../wire/api-caller.ts'
import { EmptyApp } from './empty-app.ts'

/** Each way into a package that is published. */
const ALL_ENTRIES = `
export * as client from '@rhizom/client'
export * as hooks from '@rhizom/client/react'
export * as devtools from '@rhizom/client/devtools'
export * as scripted from '@rhizom/client/testing'
export * as machine from '@rhizom/machine'
export * as domain from '@rhizom/domain'
export * as clocks from '@rhizom/machine/testing'
export * as protocol from '@rhizom/protocol'
export * as inner from '@rhizom/protocol/internal'
`

const source = (name: string): string => readFileSync(new URL(name, import.meta.url), 'utf8')
const example = source('app.tsx')
const folder = mkdtempSync(join(tmpdir(), 'rhizom-install-'))
/** These are modules, for everything that reads modules: `require`, and what came before `exports`, are not meant. */
const NOT_MEANT: ReadonlySet<unknown> = new Set(['node10', 'node16-cjs'])
type Spaces = Readonly<Record<string, { position: { epoch: string; version: number } }>>
const readSpaces = (dehydrated: string): Spaces => (JSON.parse(dehydrated) as { spaces: Spaces }).spaces

interface Drawn {
  markup: string
  served: { dehydrated: string }
}

declare global {
  interface Window {
    noted?: { seen: number[]; sent: string[] }
  }
}

/** Runs in the page: how many messages stand there, from the markup on, and what is sent to the gateway. */
function noteItemsAndFrames(): void {
  const noted = { seen: [] as number[], sent: [] as string[] }
  window.noted = noted
  const look = () => noted.seen.push(document.querySelectorAll('li').length)
  window.WebSocket = class extends WebSocket {
    override send(data: string): void {
      noted.sent.push(data)
      super.send(data)
    }
  }
  document.addEventListener('DOMContentLoaded', () => {
    look()
    new MutationObserver(look).observe(document, { subtree: true, childList: true })
  })
}

let installed: EmptyApp | undefined
let packs: ReadonlyMap<string, string> = new Map()

beforeAll(() => {
  packs = packAll(join(folder, 'packs'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const bytesOf = (file: string): ArrayBuffer => {
  const { buffer, byteOffset, length } = Uint8Array.from(readFileSync(file))
  if (!(buffer instanceof ArrayBuffer)) throw new Error('not bytes of its own')
  return buffer.slice(byteOffset, byteOffset + length)
}

test('C185 publint has nothing to say of the packs, and their types are found as those who import them look for them', async () => {
  expect([...packs.keys()].sort()).toEqual(['@rhizom/client', '@rhizom/domain', '@rhizom/machine', '@rhizom/protocol'])
  for (const file of packs.values()) {
    const { messages } = await publint({ pack: { tarball: bytesOf(file) } })
    expect(messages).toEqual([])
    const analysis = await checkPackage(createPackageFromTarballData(new Uint8Array(bytesOf(file))))
    const problems = analysis.types === false ? [{ kind: 'NoTypes' }] : analysis.problems
    const meant = problems.filter((problem) => !('resolutionKind' in problem && NOT_MEANT.has(problem.resolutionKind)))
    expect(meant).toEqual([])
  }
})

describe.skipIf(chromiumPath === undefined)('the example of the README, in an empty app', () => {
  const stage = useOwnStage(async () => {
    const app = new EmptyApp(join(folder, 'app'), packs, {
      'main.tsx': example,
      'entries.ts': ALL_ENTRIES,
      'scripted.ts': source('scripted.ts'),
      'served-app.tsx': source('served-app.tsx'),
      'served-draw.tsx': source('served-draw.tsx'),
      'served-main.tsx': source('served-main.tsx'),
    })
    await app.install()
    await app.checkTypes()
    await app.checkTypes('--skipLibCheck', 'false')
    for (const [, module = ''] of ALL_ENTRIES.matchAll(/'(.+)'/g)) await app.load(module)
    installed = app
    return { pageDirectory: await app.build() }
  })

  test('C223 the scripted server of the pack tests an app without a network, as the README shows', async () => {
    if (installed === undefined) throw new Error('there is no app')
    await expect(installed.run('scripted.ts')).resolves.toBeUndefined()
  })

  test('C204 a page that a server drew goes on in a browser: the same markup, nothing gone, from its position', async () => {
    if (installed === undefined) throw new Error('there is no app')
    const { apiUrl, webUrl } = stage()
    const bob = await signIn(apiUrl, 'Bob')
    const space = freshId('served')
    const say = (text: string) =>
      apply(apiUrl, bob.token, {
        space,
        name: 'intention.create',
        args: { id: randomUUID(), type: 'utterance', content: [text] },
      })
    await apply(apiUrl, bob.token, { space, name: 'space.create', args: { name: 'Served' } })
    await say('</script><script>drawn</script>')
    const { markup, served } = JSON.parse(
      await installed.callOnServer('served-draw.tsx', 'draw', apiUrl, space),
    ) as Drawn
    expect(markup).toContain('Bob: &lt;/script&gt;')
    await say('meanwhile')

    const state = JSON.stringify(served).replaceAll('<', String.raw`\u003c`)
    const file = join(installed.folder, 'dist', 'served.html')
    const drawn = `<div id="root">${markup}</div><script type="application/json" id="served">${state}</script>`
    writeFileSync(
      file,
      readFileSync(file, 'utf8').replace('<div id="root"></div>', () => drawn),
    )
    const page = await stage().open('Ada')
    await page.addInitScript(noteItemsAndFrames)
    await page.goto(`${webUrl}/served.html`)
    await page.getByText('Bob: meanwhile').waitFor()
    await page.getByRole('button').click()
    await page.getByText('Ada: Clicked').waitFor()
    const { seen, sent } = await page.evaluate(() => window.noted ?? { seen: [], sent: [] })
    expect(seen[0]).toBe(1)
    expect(seen.toSorted((a, b) => a - b)).toEqual(seen)
    const { position } = Object.values(readSpaces(served.dehydrated))[0] ?? {}
    const asked = sent.flatMap((text) => text.split('\n')).filter((line) => line.includes('"subscribe"'))
    expect(asked).toHaveLength(1)
    expect(asked[0]).toContain(`"epoch":"${position?.epoch}","after":${position?.version}`)
  })

  test('C186 ten lines show what others say and say something', async () => {
    expect(example.split('\n').filter((line) => line.trim() !== '').length).toBeLessThanOrEqual(10)
    const founder = await signIn(stage().apiUrl, 'Founder')
    await apply(stage().apiUrl, founder.token, { space: '@lobby', name: 'space.create', args: { name: 'Lobby' } })
    const [ada, bob] = await Promise.all([stage().open('Ada'), stage().open('Bob')])
    await ada.getByRole('button').click()
    await bob.getByText('Say hello. Hello.').waitFor()
    await bob.getByRole('button').click()
    await ada.getByText('Say hello. Hello. Hello.').waitFor()
    await ada.reload()
    await ada.getByText('Say hello. Hello. Hello.').waitFor()
  })
})

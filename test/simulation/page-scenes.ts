/**
 * What pages have to do well in a healthy world, shown at the end of every run that has some: what was written has
 * arrived and is shown, a page that is loaded anew goes on from what was kept, the killed sender's place is taken, and
 * dead gateways are done without and come back to.
 */
import { applyOp } from './apply-op.ts'
import { write } from './acts.ts'
import type { PageNode } from './page-node.ts'
import type { PageWorld } from './page-world.ts'
import { level, run, type Scene, WITHIN_MS } from './scene.ts'
import type { World } from './world.ts'

/** Polling asks every two to four seconds, and a retry may have to be waited for. */
const WRITTEN_WITHIN_MS = 15_000
/** The lock goes to the next, which sends. */
const TAKEN_OVER_WITHIN_MS = 1_000
/** It is asked whether it lives, for as long as something waits. */
const TAKEN_FROM_FROZEN_WITHIN_MS = 9_000
/** A machine that is gone may say nothing: two ways are given up after ten seconds each. */
const GATEWAYS_DEAD_MS = 50_000
/** Tried again from 4 s on, rarely and ever more rarely, and then moved to. */
const UP_AGAIN_WITHIN_MS = 340_000
const GONE_WITHIN_MS = 45_000
/** What is gathered is written. */
const KEPT_WITHIN_MS = 1_000

type PageScene = (world: World, pages: PageWorld) => Promise<void>

const allIsWell: PageScene = async (world) => {
  await level(world, WITHIN_MS.healed, 'S27', 'after all trouble had ended')
}

const everybodyWrites: PageScene = async (world, pages) => {
  // Locks find their holders, and what was gathered is written.
  await run(world, KEPT_WITHIN_MS)
  const { size } = pages.ledger.asked
  world.note('• every page writes')
  for (const page of pages.living) writeOn(page)
  write(world, { afterMs: 1 })
  await level(world, WRITTEN_WITHIN_MS, 'S27', 'after every page had written')
  pages.ledger.expectSentOnce(size)
}

/** Each browser in which another page can take over. */
const sendersOf = ({ browsers, living }: PageWorld): { sender: PageNode; others: PageNode[] }[] =>
  browsers.flatMap((browser) => {
    const kept = living.filter((page) => page.browser === browser && page.isKept)
    const sender = kept.find(({ gate }) => gate === browser.sender)
    const others = kept.filter((page) => page !== sender)
    return sender === undefined || others.length === 0 ? [] : [{ sender, others }]
  })

const theSenderIsKilled: PageScene = async (world, pages) => {
  // Who was just loaded has a lock to ask for.
  await run(world, KEPT_WITHIN_MS)
  world.note('• those who send are killed while something waits')
  for (const { sender, others } of sendersOf(pages)) {
    for (const page of others) writeOn(page)
    await run(world, 15)
    pages.kill(sender)
  }
  await arrived(world, pages, TAKEN_OVER_WITHIN_MS, 'S32', 'after the page that sends was killed')
  pages.heal()
  await level(world, WITHIN_MS.healed, 'S27', 'after senders were killed')
}

const theSenderFreezes: PageScene = async (world, pages) => {
  await run(world, KEPT_WITHIN_MS)
  world.note('• those who send stand still while something waits')
  for (const { sender, others } of sendersOf(pages)) {
    sender.gate.freeze()
    for (const page of others) writeOn(page)
  }
  await arrived(world, pages, TAKEN_FROM_FROZEN_WITHIN_MS, 'S32', 'after the page that sends stood still')
  pages.heal()
  await level(world, WITHIN_MS.healed, 'S27', 'after senders stood still')
}

/** Until the api has seen whatever is not excused. */
async function arrived(world: World, pages: PageWorld, withinMs: number, rule: string, when: string): Promise<void> {
  const until = world.time.now() + withinMs
  while (world.oracle.violation === undefined && pages.ledger.missing() !== undefined) {
    if (world.time.now() >= until) return world.oracle.fail(rule, `${withinMs} ms ${when}, ${pages.ledger.missing()}`)
    await run(world, 20)
  }
}

const everyGatewayDies: PageScene = async (world, pages) => {
  world.note('• every gateway dies')
  const deadUntil = world.time.now() + GATEWAYS_DEAD_MS
  const keepDead = async (forMs: number): Promise<void> => {
    const until = world.time.now() + forMs
    while (world.oracle.violation === undefined && world.time.now() < until) {
      // One that was told to drain before comes up by itself.
      for (const gateway of world.gateways) if (gateway.isListening) gateway.crash(true, deadUntil - world.time.now())
      await run(world, 250)
    }
  }
  await keepDead(GATEWAYS_DEAD_MS - 12_000)
  for (const page of pages.living) writeOn(page)
  write(world, { afterMs: 1 })
  await keepDead(11_000)
  const behind = pages.behind()
  if (behind !== undefined) world.oracle.fail('S33', `with every gateway dead, ${behind}`)
  if (pages.living.some(({ transport }) => transport !== 'polling'))
    world.oracle.fail('S33', 'with every gateway dead, somebody does not poll')
  const until = world.time.now() + UP_AGAIN_WITHIN_MS
  const isUp = (): boolean => pages.living.every(({ transport }) => transport === 'websocket')
  while (world.oracle.violation === undefined && !isUp()) {
    if (world.time.now() >= until) return world.oracle.fail('S33', 'somebody never comes up from polling')
    await run(world, 500)
  }
  await level(world, WITHIN_MS.healed, 'S33', 'after gateways were back')
}

const everybodyIsLoadedAnew: PageScene = async (world, pages) => {
  await run(world, KEPT_WITHIN_MS)
  world.note('• every page is loaded anew, with something unsent')
  for (const place of pages.pages.keys()) {
    const page = pages.pages[place]
    if (page !== undefined) writeOn(page)
  }
  await run(world, 12)
  for (const place of pages.pages.keys()) applyOp(world, { kind: 'pageReloads', page: place })
  await level(world, WRITTEN_WITHIN_MS, 'S27', 'after every page was loaded anew')
}

const everybodyLeaves: PageScene = async (world, pages) => {
  world.note('• everybody leaves')
  for (const page of pages.living) pages.kill(page)
  for (const [client, link] of world.network.links) {
    client.end()
    link.cut(false, true)
  }
  await run(world, GONE_WITHIN_MS)
  for (const { name, left } of world.gateways)
    if (left !== undefined) world.oracle.fail('S18', `${name} still has ${left} when everybody has left`)
}

function writeOn(page: PageNode): void {
  for (const space of page.watched()) page.gate.enter(() => page.write(space, 'say', true))
}

const SCENES: readonly PageScene[] = [
  allIsWell,
  everybodyWrites,
  theSenderIsKilled,
  everybodyIsLoadedAnew,
  everyGatewayDies,
  theSenderFreezes,
  everybodyLeaves,
]

export const pageChecks: Scene = async (world) => {
  const { pages } = world
  if (pages === undefined) return
  for (const scene of SCENES) if (world.oracle.violation === undefined) await scene(world, pages)
}

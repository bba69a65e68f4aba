/** What operations on pages and browsers do. */
import type { PageNode } from './page-node.ts'
import type { PageOp } from './plan.ts'
import { spaceName, type World } from './world.ts'

export function applyPageOp(world: World, op: PageOp): void {
  const { pages } = world
  if (pages === undefined) return
  switch (op.kind) {
    case 'gatewaysDie':
      for (const gateway of world.gateways) gateway.crash(true, world.isHealed ? 0 : op.forMs)
      return
    case 'browserCrashes':
    case 'storageSuffers':
    case 'wayBlocked':
      return applyBrowserOp(world, op)
    case 'pageWrites':
    case 'pageReloads':
    case 'pageKilled':
    case 'pageFreezes':
    case 'pageLeft':
    case 'pageCut': {
      const page = pages.pages[op.page]
      if (page !== undefined && !page.gate.isDead) applyToPage(world, page, op)
      return
    }
    default:
      op satisfies never
  }
}

function applyToPage(world: World, page: PageNode, op: Extract<PageOp, { page: number }>): void {
  const { pages, time, network } = world
  switch (op.kind) {
    case 'pageWrites':
      // A page that hears nothing is written on by nobody.
      if (page.gate.isOpen && op.space < world.plan.shape.spaces)
        page.gate.enter(() => page.write(spaceName(op.space), op.what, op.keepsRefused))
      return
    case 'pageReloads':
      page.gate.enter(() => {
        page.happen('hidden')
        page.happen('left')
      })
      pages?.kill(page)
      pages?.open(op.page)
      return
    case 'pageKilled':
      pages?.kill(page)
      time.after(op.forMs, () => pages?.open(op.page))
      return
    case 'pageFreezes':
      page.gate.freeze()
      time.after(op.forMs, () => comeBack(page))
      return
    case 'pageLeft':
      // The browser keeps it as it is, and closes what it has open.
      if (!page.gate.isOpen) return
      page.gate.enter(() => {
        page.happen('hidden')
        page.happen('left')
      })
      page.gate.freeze()
      network.links.get(page)?.cut(true, true)
      time.after(op.forMs, () => {
        if (page.gate.isDead) return
        page.gate.thaw()
        page.gate.enter(() => page.happen('returned'))
        page.gate.enter(() => page.device('pageShown'))
      })
      return
    case 'pageCut':
      network.links.get(page)?.cut(true, true)
      return
    default:
      op satisfies never
  }
}

function comeBack(page: PageNode): void {
  page.gate.thaw()
  page.gate.enter(() => page.device('pageShown'))
}

function applyBrowserOp(world: World, op: Extract<PageOp, { browser: number }>): void {
  const { pages, time } = world
  const browser = pages?.browsers[op.browser]
  if (pages === undefined || browser === undefined) return
  const places = [...pages.pages.keys()].filter((place) => pages.pages[place]?.browser === browser)
  switch (op.kind) {
    case 'browserCrashes':
      pages.around(() => {
        for (const place of places) pages.kill(pages.pages[place])
        if (op.losesLast) browser.loseLast()
      })
      for (const place of places) time.after(op.forMs, () => pages.open(place))
      return
    case 'storageSuffers':
      if (op.trouble === 'cleared') return pages.around(() => browser.clear())
      browser.suffer(op.trouble)
      time.after(op.forMs, () => browser.recover())
      return
    case 'wayBlocked':
      pages.blocked.set(browser, new Set(op.ways))
      for (const place of places) {
        const page = pages.pages[place]
        if (page !== undefined) world.network.links.get(page)?.cut(true, true)
      }
      time.after(op.forMs, () => pages.blocked.delete(browser))
      return
    default:
      op satisfies never
  }
}

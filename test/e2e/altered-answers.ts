import type { Page, Route } from 'playwright-core'

/**
 * What a page hears from the servers, over the socket and over HTTP, is altered on its way, from its next load on. It
 * keeps nothing of what it heard before, so that it asks for all of it.
 */
export async function alterAnswers(page: Page, alter: (text: string) => string): Promise<void> {
  await page.evaluate(async () => {
    for (const { name } of await indexedDB.databases()) if (name !== undefined) indexedDB.deleteDatabase(name)
  })
  await page.routeWebSocket(/\/v1\/sync/, (socket) => {
    const server = socket.connectToServer()
    server.onMessage((message) => socket.send(alter(String(message))))
  })
  await page.route(/\/v1\/(spaces|beings)/, async (route) => {
    // Whoever asked may be gone before the answer comes, or is altered.
    await answer(route, alter).catch(() => undefined)
  })
}

async function answer(route: Route, alter: (text: string) => string): Promise<void> {
  const response = await route.fetch()
  await route.fulfill({ response, body: alter(await response.text()) })
}

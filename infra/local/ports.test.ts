import { createSocket } from 'node:dgram'
import { createServer, type Server } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { anyFreePort, isFree, portFinder } from './ports.ts'

const servers: Server[] = []
afterEach(() => servers.splice(0).forEach((server) => server.close()))

function occupy(port: number, host = '127.0.0.1'): Promise<void> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject).listen(port, host, resolve)
    servers.push(server)
  })
}

test('I9 the usual port where it is free', async () => {
  const usual = await anyFreePort()
  expect(await isFree(usual)).toBe(true)
  expect(await portFinder()(usual)).toBe(usual)
})

test.each(['127.0.0.1', '0.0.0.0'])('I9 another where somebody listens on it at %s', async (host) => {
  const usual = await anyFreePort()
  await occupy(usual, host)
  expect(await isFree(usual)).toBe(false)
  expect(await portFinder()(usual)).not.toBe(usual)
})

test('I9 none is picked twice, also by those who pick at once', async () => {
  const picked = await Promise.all(Array.from({ length: 500 }, () => anyFreePort()))
  expect(new Set(picked).size).toBe(picked.length)
})

test('I9 none is picked that another process has picked, though nobody listens on it yet', async () => {
  const other = createSocket('udp4')
  const mine = await anyFreePort()
  await new Promise<void>((resolve) => other.bind({ port: mine + 1, address: '127.0.0.1' }, resolve))
  expect(await anyFreePort()).not.toBe(mine + 1)
  other.close()
})

test('I9 none is given twice', async () => {
  const find = portFinder()
  const usual = await anyFreePort()
  const ports = [await find(usual), await find(usual), await find(usual), await find(0), await find(0)]
  expect(new Set(ports).size).toBe(ports.length)
})

test('I9 none is one that the system gives to connections', async () => {
  const ports = await Promise.all(Array.from({ length: 200 }, () => anyFreePort()))
  expect(ports.filter((port) => port >= 32_768 || port < 1_024)).toEqual([])
})

import { expect, test } from 'vitest'
import { WebSocketServer } from 'ws'
import { closeFrame, OPCODE, wsFrame } from './ws-bytes.ts'
import { WsPeer } from './ws-peer.ts'

test('H25 a server of another make understands them, and is understood', async () => {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', path: '/v1/sync' })
  const heard: string[] = []
  server.on('connection', (socket) => {
    socket.on('message', (data: Buffer) => {
      heard.push(data.toString('utf8'))
      socket.send('{"type":"error","code":"not-subscribed","message":"","space":"@mark-1"}')
    })
  })
  await new Promise((resolve) => server.once('listening', resolve))
  const address = server.address()
  if (typeof address !== 'object' || address === null) throw new Error('no port')
  const ws = await WsPeer.open(`http://127.0.0.1:${address.port}`)
  const long = 'ü'.repeat(70_000)
  await ws.send(long)
  await ws.peer.send(Buffer.concat([wsFrame('{', { fin: false }), wsFrame('}', { opcode: OPCODE.continuation })]))
  expect(await ws.isServed(5_000)).toBe(true)
  expect(heard.slice(0, 2)).toEqual([long, '{}'])
  await ws.peer.send(closeFrame(1001))
  await ws.peer.hasClosed(5_000)
  expect(ws.closeCode).toBe(1001)
  server.close()
})

import type { ChildProcess } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { newTokenKey } from '@rhizom/process'
import postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { anyFreePort } from '@rhizom/infra/local/ports.ts'
import { publicKeysOf } from '@rhizom/infra/local/token-keys.ts'
import { until } from '@rhizom/infra/local/until.ts'
import { buildImageFolder, canChangeUser, type ImageFolder, startInImage } from './image-folder.ts'
import { hasNginx, startNginx } from './testing/nginx.ts'
import { stringAt } from './yaml-value.ts'

const repository = join(import.meta.dirname, '../..')
const databaseServer = process.env['TEST_DATABASE_URL'] ?? ''
const redisUrl = process.env['TEST_REDIS_URL'] ?? ''
const patience = { withinMs: 60_000 }

const folder = mkdtempSync(join(tmpdir(), 'rhizom-images-'))
const database = `images_${randomUUID().replaceAll('-', '')}`
const databaseUrl = Object.assign(new URL(databaseServer), { pathname: `/${database}` }).href
const tokenKey = newTokenKey()
const INTERNAL_TOKEN = randomUUID()
/** A gateway holds nothing that signs. */
const secrets = {
  api: { TOKEN_KEYS: tokenKey, INTERNAL_TOKEN },
  gateway: { TOKEN_PUBLIC_KEYS: publicKeysOf(tokenKey), INTERNAL_TOKEN },
}

const output: Record<string, string> = {}
const children: ChildProcess[] = []
let images: Record<'api' | 'gateway' | 'web', ImageFolder>
let ports: Record<'api' | 'internalApi' | 'gateway' | 'internalGateway' | 'web', number>

const build = (name: 'api' | 'gateway' | 'web'): Promise<ImageFolder> => {
  const log = (text: string): void => {
    output[name] = (output[name] ?? '') + text
  }
  return buildImageFolder(repository, `infra/docker/${name}.Dockerfile`, join(folder, name), log)
}

beforeAll(async () => {
  // Processes under another user have to get in.
  chmodSync(folder, 0o755)
  const admin = postgres(databaseServer, { max: 1, onnotice: () => undefined })
  await admin.unsafe(`CREATE DATABASE ${database}`)
  await admin.end()
  const [api, gateway, web] = await Promise.all([build('api'), build('gateway'), build('web')])
  images = { api, gateway, web }
  ports = {
    api: await anyFreePort(),
    internalApi: await anyFreePort(),
    gateway: await anyFreePort(),
    internalGateway: await anyFreePort(),
    web: await anyFreePort(),
  }
})

afterAll(async () => {
  for (const child of children.filter(isRunning)) {
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
  const admin = postgres(databaseServer, { max: 1, onnotice: () => undefined })
  await admin.unsafe(`DROP DATABASE IF EXISTS ${database} WITH (FORCE)`)
  await admin.end()
  rmSync(folder, { recursive: true, force: true })
})

const isRunning = (child: ChildProcess): boolean => child.exitCode === null && child.signalCode === null

function start(name: 'api' | 'gateway', command: readonly string[], env: Record<string, string>): ChildProcess {
  const child = startInImage(images[name], command, {
    ...secrets[name],
    HOST: '127.0.0.1',
    REDIS_URL: redisUrl,
    ...env,
  })
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (data: Buffer) => {
      output[name] = (output[name] ?? '') + data.toString()
    })
  }
  children.push(child)
  return child
}

const exitOf = async (child: ChildProcess): Promise<number | null> => {
  if (isRunning(child)) await once(child, 'exit')
  return child.exitCode
}
const isReady = (child: ChildProcess, port: number): Promise<boolean> =>
  until(async () => (await fetch(`http://127.0.0.1:${port}/readyz`)).ok, {
    ...patience,
    giveUp: () => !isRunning(child),
  })

/** The user that a process runs as. */
const uidOf = (child: ChildProcess): string | undefined =>
  /^Uid:\s+(\d+)/m.exec(readFileSync(`/proc/${String(child.pid)}/status`, 'utf8'))?.[1]

async function post(path: string, body: object, token?: string): Promise<unknown> {
  const headers = {
    'content-type': 'application/json',
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
  }
  const response = await fetch(`http://127.0.0.1:${ports.api}${path}`, {
    method: 'POST',
    headers,
    body: JSON.stringify(body),
  })
  expect(response.ok, `${path} ${response.status}`).toBe(true)
  return response.json()
}

/** Subscribes over a socket at an address, writes, and gives the types of the frames up to the change. */
async function writeAndWatch(address: string): Promise<string[]> {
  const session = await post('/v1/sessions', { name: 'Ada' })
  const token = stringAt(session, 'token') ?? ''
  const space = `@images-${randomUUID().slice(0, 8)}`
  const mutate = (name: string, args: object): Promise<unknown> =>
    post('/v1/mutations', { mutations: [{ id: randomUUID(), space, name, args }] }, token)
  await mutate('space.create', { name: 'Images' })
  const types: string[] = []
  const socket = new WebSocket(`${address}/v1/sync`)
  socket.addEventListener('open', () => {
    socket.send(
      `${JSON.stringify({ type: 'hello', protocol: 1, token })}\n${JSON.stringify({ type: 'subscribe', space })}`,
    )
  })
  socket.addEventListener('message', ({ data }) => {
    for (const line of String(data).split('\n')) types.push(stringAt(JSON.parse(line), 'type') ?? '')
  })
  await until(() => types.includes('snapshot'), patience)
  await mutate('intention.create', { id: randomUUID(), type: 'utterance', content: ['hello'] })
  await until(() => types.includes('changes'), patience)
  socket.close()
  return types
}

describe('the api, from the commands of its Dockerfile', () => {
  let child: ChildProcess

  it('K30 migrates', async () => {
    const migration = start('api', ['node', 'api/src/migrate.ts'], { DATABASE_URL: databaseUrl })
    expect(await exitOf(migration), output['api']).toBe(0)
  })

  it('K30 gets ready as another user than root, with a health check that holds', async () => {
    child = start('api', images.api.command, {
      DATABASE_URL: databaseUrl,
      PORT: String(ports.api),
      INTERNAL_PORT: String(ports.internalApi),
    })
    expect(await isReady(child, ports.internalApi), output['api']).toBe(true)
    if (canChangeUser) expect(uidOf(child)).toBe('1000')
    const health = start('api', images.api.healthcheck, { PORT: String(ports.api) })
    expect(await exitOf(health)).toBe(0)
    const wrong = start('api', images.api.healthcheck, { PORT: '9' })
    expect(await exitOf(wrong)).not.toBe(0)
  })

  it('K30 has no packages that only development needs', () => {
    const modules = join(images.api.root, 'app/api/node_modules')
    expect(existsSync(join(modules, 'fastify'))).toBe(true)
    expect(existsSync(join(modules, 'vitest'))).toBe(false)
    expect(existsSync(join(images.api.root, 'app/api/src/config.test.ts'))).toBe(false)
  })
})

describe('a gateway, from the commands of its Dockerfile', () => {
  let child: ChildProcess

  it('K31 gets ready beside the api, as another user than root', async () => {
    child = start('gateway', images.gateway.command, {
      API_URL: `http://127.0.0.1:${ports.api}`,
      API_INTERNAL_URL: `http://127.0.0.1:${ports.internalApi}`,
      PORT: String(ports.gateway),
      INTERNAL_PORT: String(ports.internalGateway),
    })
    expect(await isReady(child, ports.internalGateway), output['gateway']).toBe(true)
    if (canChangeUser) expect(uidOf(child)).toBe('1000')
    const health = start('gateway', images.gateway.healthcheck, { PORT: String(ports.gateway) })
    expect(await exitOf(health)).toBe(0)
  })

  it('K31 brings what is written to its clients', async () => {
    const types = await writeAndWatch(`ws://127.0.0.1:${ports.gateway}`)
    expect(types.filter((type) => type !== 'presence')).toEqual(['welcome', 'snapshot', 'changes'])
  })
})

describe('the web, from the commands of its Dockerfile', () => {
  it('K32 has a built page whose files are there', () => {
    const html = join(images.web.root, 'usr/share/nginx/html')
    const page = readFileSync(join(html, 'index.html'), 'utf8')
    const assets = [...page.matchAll(/(?:src|href)="(\/assets\/[^"]+)"/g)].map((match) => match[1] ?? '')
    expect(assets.length, output['web']).toBeGreaterThan(0)
    for (const asset of assets) expect(existsSync(join(html, asset)), asset).toBe(true)
  })

  it.skipIf(!hasNginx)(
    'K33 nginx takes the configuration, and page, api and sockets are reached through it',
    async () => {
      const nginx = startNginx({
        template: readFileSync(join(images.web.root, 'etc/nginx/templates/default.conf.template'), 'utf8'),
        folder,
        html: join(images.web.root, 'usr/share/nginx/html'),
        port: ports.web,
        api: `127.0.0.1:${ports.api}`,
        gateway: `127.0.0.1:${ports.gateway}`,
        maxBodySize: images.web.env['MAX_BODY_SIZE'] ?? '',
        log: (text) => {
          output['nginx'] = (output['nginx'] ?? '') + text
        },
      })
      children.push(nginx)
      const origin = `http://127.0.0.1:${ports.web}`
      const up = until(async () => (await fetch(`${origin}/healthz`)).ok, {
        ...patience,
        giveUp: () => !isRunning(nginx),
      })
      expect(await up, output['nginx']).toBe(true)
      expect(await (await fetch(`${origin}/spaces/@lobby`)).text()).toContain('<div id=')
      expect((await fetch(`${origin}/v1/spaces`)).status).toBe(401)
      expect((await fetch(`${origin}/internal/spaces/@lobby`)).headers.get('content-type')).toContain('text/html')
      expect((await fetch(`${origin}/assets/none.js`)).status).toBe(404)
      const types = await writeAndWatch(`ws://127.0.0.1:${ports.web}`)
      expect(types).toContain('changes')
      nginx.kill('SIGQUIT')
      expect(await exitOf(nginx)).toBe(0)
    },
  )
})

describe('stopping', () => {
  it.each([
    ['K31', 'gateway'],
    ['K30', 'api'],
  ] as const)('%s the %s stops with code 0 on SIGTERM', async (_, name) => {
    const child = children.findLast((each) => isRunning(each) && each.spawnargs.includes(`${name}/src/main.ts`))
    expect(child, output[name]).toBeDefined()
    child?.kill('SIGTERM')
    if (child !== undefined) expect(await exitOf(child), output[name]).toBe(0)
  })
})

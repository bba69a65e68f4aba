import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { PAGE_HEADERS } from '@rhizom/web/server/page-headers.ts'
import { describe, expect, it } from 'vitest'
import { lastOf, parseDockerfile } from './dockerfile.ts'
import { fillTemplate, named, parseNginxConfig } from './nginx-config.ts'

const docker = join(import.meta.dirname, '../../infra/docker')
const template = readFileSync(join(docker, 'nginx.conf.template'), 'utf8')
const stages = parseDockerfile(readFileSync(join(docker, 'web.Dockerfile'), 'utf8'))
const image = stages.at(-1)
if (image === undefined) throw new Error('no stage')
const env = { ...lastOf(image, 'ENV')?.values, NGINX_LOCAL_RESOLVERS: '10.0.0.10' }

const config = parseNginxConfig(fillTemplate(template, env))
const server = named(config, 'server')[0]?.block ?? []
const location = (...args: string[]) =>
  named(server, 'location').find((each) => each.args.join(' ') === args.join(' '))?.block ?? []

const SYNC = ['~', '^/v1/sync(/|$)']

describe('the configuration of the web server', () => {
  it('K32 is filled in by the environment of its image, with nothing left over', () => {
    expect(fillTemplate(template, env)).not.toMatch(/\$\{/)
    expect(named(server, 'listen')[0]?.args).toEqual([String(lastOf(image, 'EXPOSE')?.port)])
  })

  it('K32 passes sockets to the gateways, held back by nothing, and the rest of /v1 to the api', () => {
    expect(named(location(...SYNC), 'proxy_pass')[0]?.args).toEqual(['http://$gateway'])
    expect(named(location(...SYNC), 'proxy_buffering')[0]?.args).toEqual(['off'])
    expect(named(location('~', '^/v1(/|$)'), 'proxy_pass')[0]?.args).toEqual(['http://$api'])
    // The first that fits is taken.
    const paths = named(server, 'location').map(({ args }) => args.join(' '))
    expect(paths.indexOf(SYNC.join(' '))).toBeLessThan(paths.indexOf('~ ^/v1(/|$)'))
    const upstreams = named(server, 'set').map((directive) => directive.args)
    expect(upstreams).toEqual([
      ['$api', 'api:8080'],
      ['$gateway', 'gateway:8081'],
    ])
  })

  it('K32 passes on the upgrade and the address of the client, in every location', () => {
    const headers = named(server, 'proxy_set_header').map((directive) => directive.args.join(' '))
    expect(headers).toContain('Upgrade $http_upgrade')
    expect(headers).toContain('Connection $connection_for_upstream')
    expect(headers).toContain('X-Forwarded-For $proxy_add_x_forwarded_for')
    expect(headers).toContain('Host $http_host')
    expect(named(server, 'proxy_http_version')[0]?.args).toEqual(['1.1'])
    // A location that sets a header of its own would lose all of these.
    for (const each of named(server, 'location')) expect(named(each.block, 'proxy_set_header')).toEqual([])
  })

  it('K32 waits longer than a heartbeat of the gateways before it calls a socket dead', () => {
    const seconds = Number.parseInt(named(location(...SYNC), 'proxy_read_timeout')[0]?.args[0] ?? '', 10)
    expect(seconds).toBeGreaterThan(2 * 20)
  })

  it('K32 looks names up again, since a gateway that was replaced has another address', () => {
    expect(named(config, 'resolver')[0]?.args).toEqual(['10.0.0.10', 'valid=5s'])
  })

  it('K32 serves the page for every path of the client, and keeps internal paths inside', () => {
    expect(named(location('/'), 'try_files')[0]?.args).toEqual(['$uri', '/index.html'])
    expect(named(server, 'location').map((each) => each.args.at(-1))).not.toContain('/internal/')
  })
})

describe('the public keys of sessions', () => {
  it('K70 they are the one dotted name that leads to the api', () => {
    expect(named(location('=', '/.well-known/jwks.json'), 'proxy_pass')[0]?.args).toEqual([
      'http://$api/.well-known/jwks.json',
    ])
    const dotted = named(server, 'location').filter(({ args }) => args.at(-1)?.startsWith('/.'))
    expect(dotted).toHaveLength(1)
  })
})

describe('the headers of the page', () => {
  const variableOf = (header: string): string => `$${header.toLowerCase().replaceAll('-', '_')}`
  const added = named(server, 'add_header').map(({ args }) => args)

  it.each(Object.entries(PAGE_HEADERS))(
    'K39 %s is as the page server has it, unless a node says its own',
    (name, value) => {
      expect(added).toContainEqual([name, variableOf(name), 'always'])
      const map = named(config, 'map').find(({ args }) => args[1] === variableOf(name))
      expect(map?.args[0]).toBe(`$upstream_http_${variableOf(name).slice(1)}`)
      expect(map?.block.map(({ name: key, args }) => [key, ...args])).toEqual([
        ["''", value],
        ['default', ''],
      ])
    },
  )

  it('K39 there is no other but for caches, and no location that would lose them', () => {
    expect(new Set(added.map(([name]) => name))).toEqual(new Set([...Object.keys(PAGE_HEADERS), 'Cache-Control']))
    for (const each of named(server, 'location')) expect(named(each.block, 'add_header')).toEqual([])
  })
})

describe('the reader of nginx configurations', () => {
  it.each(['server {', 'server { listen 80 }', 'listen 80; }'])('K32 refuses %s', (text) => {
    expect(() => parseNginxConfig(text)).toThrow()
  })
})

/** An nginx of the machine with the template of the web image, filled in as the image's entry point does. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fillTemplate } from '../nginx-config.ts'

export const hasNginx = spawnSync('nginx', ['-v']).status === 0

export interface NginxOptions {
  template: string
  /** For what nginx writes. */
  folder: string
  html: string
  port: number
  /** As host:port. */
  api: string
  gateway: string
  maxBodySize: string
  /** Told what it says. */
  log: (text: string) => void
}

export function startNginx(options: NginxOptions): ChildProcess {
  const { template, folder, html, port, api, gateway, maxBodySize, log } = options
  const site = fillTemplate(template, {
    NGINX_LOCAL_RESOLVERS: '127.0.0.1',
    PORT: `127.0.0.1:${port}`,
    API_UPSTREAM: api,
    GATEWAY_UPSTREAM: gateway,
    MAX_BODY_SIZE: maxBodySize,
  }).replace('/usr/share/nginx/html', html)
  const kinds = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
  const temporary = kinds.map((kind) => `${kind}_temp_path ${folder}/${kind};`).join(' ')
  const types = 'types { text/html html; application/javascript js; text/css css; image/svg+xml svg; }'
  // The image's own main file in short.
  const main = `daemon off; master_process off; pid ${folder}/nginx.pid; events {}
    http { access_log off; ${temporary} ${types} ${site} }`
  const file = join(folder, 'nginx.conf')
  writeFileSync(file, main)
  const nginx = spawn('nginx', ['-c', file, '-p', folder, '-e', 'stderr'], { stdio: ['ignore', 'ignore', 'pipe'] })
  nginx.stderr.on('data', (data: Buffer) => log(data.toString()))
  return nginx
}

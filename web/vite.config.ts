import { fileURLToPath } from 'node:url'
import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'
import { compressed } from './server/compressed-files.ts'
import { devServer } from './dev/dev-server.ts'
import { createSpread } from './server/spread-proxy.ts'

const listOf = (text: string | undefined, standard: string): string[] =>
  (text ?? standard)
    .split(',')
    .map((url) => url.trim())
    .filter((url) => url !== '')

const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url))
const literally = (path: string): string => path.replaceAll(/[^\w/]/g, String.raw`\$&`)

export default defineConfig({
  plugins: [
    react(),
    compressed(),
    devServer(
      createSpread({
        apiUrls: listOf(process.env['API_URLS'], 'http://127.0.0.1:4000'),
        gatewayUrls: listOf(process.env['GATEWAY_URLS'], 'http://127.0.0.1:4001,http://127.0.0.1:4002'),
        maxBodyBytes: 8 * 1024 * 1024,
      }),
    ),
  ],
  // What the page is made of is in the repository, and nothing of the environment gets into it.
  envDir: false,
  server: {
    host: process.env['HOST'] ?? '127.0.0.1',
    port: Number(process.env['PORT'] ?? 5173),
    strictPort: true,
    cors: false,
    fs: {
      strict: true,
      // The sources of the page and the packages that they import. Not the rest of the repository, and never its state.
      allow: [
        at('./index.html'),
        at('./src'),
        at('../client/src'),
        at('../protocol/src'),
        at('../domain/src'),
        at('../machine/src'),
        at('./node_modules'),
        at('../node_modules/.pnpm'),
      ],
      // Were any of it to come under an allowed folder. As a path, since the clone itself may lie below a `.local`.
      deny: [`${literally(at('..'))}.local*/**`, '.env', '.env.*', '*.{crt,pem,key}', '**/.git/**'],
    },
  },
  // Who runs it knows how to load a module ahead; who does not yet loads it a little later.
  build: { target: 'es2023', modulePreload: { polyfill: false } },
})

import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'
import { spreadProxy } from './dev/spread-proxy.ts'

const listOf = (text: string | undefined, standard: string): string[] =>
  (text ?? standard)
    .split(',')
    .map((url) => url.trim())
    .filter((url) => url !== '')

const port = Number(process.env['PORT'] ?? 5173)

export default defineConfig({
  plugins: [
    react(),
    spreadProxy({
      apiUrls: listOf(process.env['API_URLS'], 'http://127.0.0.1:4000'),
      gatewayUrls: listOf(process.env['GATEWAY_URLS'], 'http://127.0.0.1:4001,http://127.0.0.1:4002'),
    }),
  ],
  server: { host: process.env['HOST'] ?? '127.0.0.1', port, strictPort: true },
  preview: { host: process.env['HOST'] ?? '127.0.0.1', port, strictPort: true },
  build: { target: 'es2023' },
})

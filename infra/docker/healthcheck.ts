/**
 * What HEALTHCHECK runs inside the images of api and gateway: is this process up? Whether its dependencies answer is
 * /readyz, which decides about traffic and not about restarts. The slim base has no curl.
 */
const port = process.env['PORT'] ?? '8080'
const response = await fetch(`http://127.0.0.1:${port}/healthz`, { signal: AbortSignal.timeout(2_000) })
process.exitCode = response.ok ? 0 : 1

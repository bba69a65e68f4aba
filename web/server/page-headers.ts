/**
 * The headers that every answer on the page's port has: the one list for the page server, and for the web image, whose
 * nginx configuration is held to it by a test (test/deploy/nginx-config.test.ts).
 *
 * Everything comes from the page's own origin and nothing is inline. `connect-src 'self'` also covers the sockets: in
 * each browser that runs what is built here, 'self' includes ws and wss of the same host and port. React sets style
 * attributes through the object model, which `style-src` does not govern.
 */

const contentSecurityPolicy = {
  'default-src': "'self'",
  'base-uri': "'none'",
  'connect-src': "'self'",
  'form-action': "'self'",
  'frame-ancestors': "'none'",
  'object-src': "'none'",
}

/**
 * What the page never asks for, nor anything that got into it; names that browsers no longer know make them complain.
 */
const REFUSED_FEATURES = [
  ...['accelerometer', 'camera', 'display-capture', 'geolocation', 'gyroscope', 'hid', 'magnetometer', 'microphone'],
  ...['midi', 'payment', 'serial', 'usb'],
]

const policy = (directives: Readonly<Record<string, string>>): string =>
  Object.entries(directives)
    .map(([name, sources]) => `${name} ${sources}`)
    .join('; ')

export const PAGE_HEADERS: Readonly<Record<string, string>> = {
  'Content-Security-Policy': policy(contentSecurityPolicy),
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Permissions-Policy': REFUSED_FEATURES.map((feature) => `${feature}=()`).join(', '),
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
}

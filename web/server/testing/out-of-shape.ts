/**
 * Targets of requests that no browser sends, and that some server somewhere has resolved to what they were not to
 * reach.
 */
export const OUT_OF_SHAPE = [
  ...['/v1/../metrics', '/v1/..', '/v1/.', '/v1/./x', '/../v1/spaces', '/a/../../b', '/..', '/.', '/v1/../v1/spaces'],
  ...['/v1/%2e%2e/internal/spaces/@lobby', '/v1/%2E./metrics', '/v1/.%2e/metrics', '/%2e%2e/%2e%2e/etc/passwd'],
  ...['/v1/..%2fmetrics', '/v1/%2e%2e%2fmetrics', '/internal/spaces/..%2f..%2fv1%2fx', '/v1%2f..%2fmetrics'],
  ...['/v1/a%2fb', '/v1/spaces/@a%2Fb', '/v1/sync%2fx', '/%2f%2fevil.example', '/a%2f%2fb', '/a%2f.%2fb', '/%2fv1/x'],
  ...['/v1/..\\metrics', '/v1/..%5cmetrics', '/v1\\..\\metrics', '/\\evil.example'],
  ...['//v1/spaces', '/v1//internal/x', '//evil.example/v1/spaces', '/spaces//x', '//'],
  ...['http://127.0.0.1/v1/spaces', 'http://evil.example/metrics', '*', 'v1/spaces', '', 'evil.example:443'],
  ...['/%', '/%z1', '/a%2', '/%E0%A4%A', '/spaces/%ff', '/v1/%c0%ae%c0%ae/metrics'],
  ...['/%00', '/a%00.js', '/a%0d%0ab', '/\u0000', '/a b', '/caf\u00e9', '/a#b', '/v1/x?y#z', '/%7f'],
]

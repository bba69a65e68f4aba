/**
 * The arrows between packages and rooms, as the design draws them. `npm run check` fails on an import against one, and a
 * test plants one of each to see that it does (test/checks/planted.test.ts).
 *
 *   protocol ◄ api      protocol ◄ gateway      protocol ◄ client ◄ web  infra ► protocol, process  loadtests ► infra, protocol
 *   machine ◄ api, gateway, client, bots      protocol, machine ◄ process ◄ api, gateway, bots      protocol ◄ domain ◄ api, client
 */
const arrows = {
  machine: [],
  protocol: [],
  process: ['machine', 'protocol'],
  domain: ['protocol'],
  api: ['machine', 'protocol', 'process', 'domain'],
  gateway: ['machine', 'protocol', 'process'],
  bots: ['machine', 'protocol', 'process'],
  client: ['machine', 'protocol', 'domain'],
  web: ['client', 'protocol'],
  infra: ['protocol', 'process'],
  loadtests: ['protocol', 'infra'],
}

const packages = [...Object.keys(arrows), 'test', 'docs']

const alone = Object.entries(arrows).map(([name, allowed]) => ({
  name: `${name}-imports-only-${allowed.join('-and-') || 'itself'}`,
  severity: 'error',
  from: { path: `^${name}/`, pathNot: '(\\.test\\.tsx?|/testing/)' },
  to: { path: `^(${packages.join('|')})/`, pathNot: `^(${[name, ...allowed].join('|')})/` },
}))

export default {
  forbidden: [
    ...alone,
    {
      name: 'kit-knows-only-contract-and-ground',
      comment: 'What the tests of all packages share is below all of them.',
      severity: 'error',
      from: { path: '^test/kit/' },
      to: { path: `^(${packages.join('|')})/`, pathNot: '^(test/kit|protocol|machine)/' },
    },
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'what-is-imported-exists',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: 'packages-meet-at-their-index',
      comment: 'Other packages see what a package exports, not its rooms. Checks and docs may look everywhere.',
      severity: 'error',
      from: { path: '^([^/]+)/', pathNot: '^(test|docs)/' },
      to: {
        path: '^(machine|protocol|process|domain|api|gateway|client|bots)/src/',
        pathNot: ['^$1/', '/index\\.ts$'],
      },
    },
    {
      name: 'cores-are-pure',
      comment: 'core/ and domain/ import protocol, machine, domain and each other: no clock, no socket, no library.',
      severity: 'error',
      from: { path: '(^|/)(core|domain)/', pathNot: '\\.test\\.ts$' },
      to: { pathNot: '(^(protocol|machine)/|(^|/)(core|domain)/)' },
    },
    {
      name: 'gateway-speaks-to-redis-through-one-room',
      severity: 'error',
      from: { path: '^gateway/src/', pathNot: '(^gateway/src/redis/|\\.test\\.ts$|/testing/)' },
      to: { path: 'node_modules/ioredis/' },
    },
    {
      name: 'api-speaks-to-postgres-through-one-room',
      severity: 'error',
      from: { path: '^api/src/', pathNot: '(^api/src/db/|\\.test\\.ts$|/testing/)' },
      to: { path: '(^|node_modules/)(postgres|drizzle-orm)(/|$)' },
    },
    {
      name: 'whoever-connects-to-redis-does-it-in-one-way',
      comment: 'Connections are made by @rhizom/process; whoever uses one needs its type alone.',
      severity: 'error',
      from: { path: '^(api|gateway)/src/', pathNot: '(\\.test\\.ts$|/testing/)' },
      to: { path: '(^|node_modules/)ioredis(/|$)', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'gateway-serves-sockets-from-one-room',
      severity: 'error',
      from: { path: '^gateway/src/', pathNot: '(^gateway/src/server/|\\.test\\.ts$)' },
      to: { path: 'node_modules/(uWebSockets\\.js|@uwsjs)/' },
    },
    {
      name: 'machines-of-a-gateway-know-nothing-of-each-other',
      comment: 'core/connection, core/feed and core/presence are three machines; the shells bring them together.',
      severity: 'error',
      from: { path: '^gateway/src/core/(connection|feed|presence)/' },
      to: { path: '^gateway/src/core/(connection|feed|presence)/', pathNot: '^gateway/src/core/$1/' },
    },
    {
      name: 'client-needs-react-and-its-cache-in-one-room',
      comment:
        'The hooks are in client/src/react and the panel in client/src/devtools; everything else works without React and without TanStack Query.',
      severity: 'error',
      from: { path: '^client/src/', pathNot: '^client/src/(react|devtools)/' },
      to: { path: '((^|node_modules/)(@tanstack/|react(-dom)?(/|$))|^client/src/(react|devtools)/)' },
    },
    {
      name: 'no-barrels-inside',
      severity: 'error',
      from: { path: '^([^/]+)/src/', pathNot: '\\.test\\.tsx?$' },
      to: { path: '^$1/src/index\\.ts$' },
    },
    {
      name: 'sources-do-not-import-tests',
      severity: 'error',
      from: { pathNot: '(\\.test\\.tsx?$|/testing/|^test/)' },
      to: { path: '(\\.test\\.tsx?$|^test/|/src/testing/)', pathNot: '/src/testing/index\\.ts$' },
    },
    {
      name: 'protocol-needs-only-zod',
      severity: 'error',
      from: { path: '^protocol/src/', pathNot: '(\\.test\\.ts$|/testing/)' },
      to: { dependencyTypes: ['npm', 'npm-dev', 'npm-optional', 'core'], pathNot: 'node_modules/zod/' },
    },
    {
      name: 'what-runs-is-a-dependency',
      comment: 'What a source imports must be there after an installation without development dependencies.',
      severity: 'error',
      from: { path: '^(machine|protocol|process|domain|api|gateway)/src/', pathNot: '(\\.test\\.ts$|/testing/)' },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['npm'] },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(/\\.local/|/dist/|^test/install/[^/]+\\.tsx)' },
    tsPreCompilationDeps: true,
    combinedDependencies: false,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
      extensions: ['.ts', '.tsx', '.js', '.mjs', '.json'],
    },
  },
}

import { randomBytes, randomUUID } from 'node:crypto'
import { globSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { secretFault, SHARED_SECRETS, type SharedSecret, weakSecretProblem, weakSecrets } from './weak-secret.ts'

const strong = {
  TOKEN_SECRET: randomBytes(32).toString('hex'),
  INTERNAL_TOKEN: randomBytes(24).toString('base64url'),
  INTERNAL_TOKENS: [randomBytes(24).toString('base64url')],
  BUS_KEYS: [],
}

test('P40 random secrets of every usual spelling are fine', () => {
  expect(weakSecrets(strong)).toEqual([])
  for (let round = 0; round < 2_000; round += 1)
    for (const secret of [
      randomBytes(16).toString('hex'),
      randomBytes(24).toString('base64'),
      randomBytes(32).toString('base64url'),
      randomUUID(),
    ])
      expect(secretFault(secret, 32)).toBeUndefined()
})

test.each([
  ['', 'shorter'],
  ['x', 'shorter'],
  [randomBytes(15).toString('hex'), 'shorter'],
  ['x'.repeat(32), 'pattern'],
  ['abc'.repeat(11), 'pattern'],
  ['0123456789abcdef0123456789abcdef', 'pattern'],
  ['abcdefghijklmnopqrstuvwxyz0123456789', 'pattern'],
  ['zyxwvutsrqponmlkjihgfedcba9876543210', 'pattern'],
  ['aaaaaaaabbbbbbbbccccccccddddddddeeeeeeee', 'pattern'],
  ['1212112212121211212112221121121212121', 'pattern'],
  ['CHANGEME-0b7d54c8f2a94e1f8c30f7d1a5', 'example'],
  ['please-change-this-0b7d54c8f2a94e1f8c30', 'example'],
])('P40 the secret %j is weak: %s', (secret, why) => {
  expect(secretFault(secret, 32)).toContain(why)
})

test('P40 a secret of a million letters is looked at as well', () => {
  expect(secretFault('xy'.repeat(500_000), 32)).toBe('follows a pattern')
  expect(secretFault(`${'x'.repeat(1_000_000)}y`, 32)).toBe('follows a pattern')
})

test('P40 what is said is one line that names the variable and never shows its value', () => {
  const given = { TOKEN_SECRET: 'seventeen-letters', INTERNAL_TOKEN: 'qz'.repeat(16) }
  const secrets = { ...strong, ...given }
  const weak = weakSecrets(secrets)
  expect(weak.map(({ name }) => name)).toEqual(['TOKEN_SECRET', 'INTERNAL_TOKEN'])
  for (const one of weak) {
    const line = weakSecretProblem(one)
    expect(line).toMatch(new RegExp(`^${one.name} `))
    expect(line).not.toContain('\n')
    for (const secret of Object.values(given)) expect(line).not.toContain(secret)
  }
})

/** Values written down for TOKEN_SECRET, INTERNAL_TOKEN and constants named after them, anywhere in the repository. */
function writtenDown(): { path: string; value: string; minLength: number }[] {
  const root = join(import.meta.dirname, '../..')
  const ignored = (path: string): boolean => /(^|\/)(node_modules|\.git|\.local|dist)(\/|$)/.test(path)
  const paths = globSync(['*', '*/**/*', '.ci/**/*'], { cwd: root, exclude: ignored })
    .filter((path) => !ignored(path) && !/\.(png|svg)$|^pnpm-lock/.test(path) && statSync(join(root, path)).isFile())
    .map((path) => join(root, path))
  const NAME = '(?<name>(?:[A-Z]+_)?(?:SECRET|INTERNAL_TOKEN))'
  const quoted = new RegExp(`${NAME}['"]?\\s*[:=]\\s*(?<quote>['"\`])(?<value>(?:(?!\\k<quote>).)+)\\k<quote>`, 'g')
  const plain = new RegExp(`${NAME}\\s*[:=]\\s*(?<value>[^\\s'"\`$(){}\\[\\],;|]+)\\s*$`, 'gm')
  return paths.flatMap((path) => {
    const text = readFileSync(path, 'utf8')
    const found = /\.tsx?$/.test(path) ? [text.matchAll(quoted)] : [text.matchAll(quoted), text.matchAll(plain)]
    return found
      .flatMap((matches) => [...matches])
      .map(({ groups: { name = '', value = '' } = {} }) => {
        const of: SharedSecret = name.endsWith('INTERNAL_TOKEN') ? 'INTERNAL_TOKEN' : 'TOKEN_SECRET'
        return { path, value, minLength: SHARED_SECRETS[of].minLength }
      })
  })
}

test('P40 no secret that is written down in this repository is good enough', () => {
  // A reference to another variable is no value.
  const found = writtenDown().filter(({ value }) => !value.includes('${'))
  expect(found.map(({ path }) => path).join()).toContain('secrets.example.env')
  const goodEnough = found.filter(({ value, minLength }) => secretFault(value, minLength) === undefined)
  expect(goodEnough).toEqual([])
})

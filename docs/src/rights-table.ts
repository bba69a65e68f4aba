/** The table of rights, printed from the one that decides (domain/src/rights.ts). */
import { type Right, RIGHTS, RIGHTS_OF, type Standing } from '@rhizom/domain'
import { table } from './table.ts'

const WHO: Readonly<Record<Standing, string>> = {
  owner: 'role `owner`',
  member: 'role `member`',
  viewer: 'role `viewer`',
  banned: 'role `banned`',
  visitor: 'no role, public, `posting` is `everyone`',
  onlooker: 'no role, public, `posting` is `members`',
  stranger: 'no role, private',
}

const rightNames = Object.keys(RIGHTS).filter((name): name is Right => name in RIGHTS)
const standings = Object.keys(RIGHTS_OF).filter((name): name is Standing => name in RIGHTS_OF)

export const rights = (): string =>
  [
    table(
      ['who', ...rightNames],
      standings.map((standing) => [
        WHO[standing],
        ...rightNames.map((right) => (RIGHTS_OF[standing].includes(right) ? 'yes' : '–')),
      ]),
    ),
    rightNames.map((right) => `**${right}**: ${RIGHTS[right]}.`).join(' '),
  ].join('\n\n')

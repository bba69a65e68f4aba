/** What takes longest begins first, so that nothing waits for it alone at the end. */
import { BaseSequencer, type TestSpecification } from 'vitest/node'

const LONGEST = [
  ...['stories.fault', 'links.fault', 'parts.fault', 'blind.fault', 'start.fault', 'hostile.hostile', 'blind.hostile'],
  ...['transports.int', 'mutants.sim', 'simulation.sim', 'wrong-settings.int', 'slow-requests.int'],
  ...['offline.e2e', 'presence.e2e', 'broken-page.e2e'],
]

export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification): number => {
      const place = LONGEST.findIndex((name) => moduleId.endsWith(`/${name}.test.ts`))
      return place === -1 ? LONGEST.length : place
    }
    return (await super.sort(files)).toSorted((a, b) => rank(a) - rank(b))
  }
}

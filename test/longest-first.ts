/** What takes longest begins first, so that nothing waits for it alone at the end. */
import { BaseSequencer, type TestSpecification } from 'vitest/node'

const LONGEST = ['parts.fault', 'stories.fault', 'mutants.sim', 'simulation.sim', 'hosts.fault', 'hostile.hostile']

export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification): number => {
      const place = LONGEST.findIndex((name) => moduleId.endsWith(`/${name}.test.ts`))
      return place === -1 ? LONGEST.length : place
    }
    return (await super.sort(files)).toSorted((a, b) => rank(a) - rank(b))
  }
}

/** What takes longest begins first, so that nothing waits for it alone at the end. */
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** What mostly waits beside what mostly works: whoever waits leaves the cores to the others. */
const LONGEST = [
  ...['stories.fault', 'mutants.sim', 'parts.fault', 'presence.e2e', 'links.fault', 'transports.int', 'blind.fault'],
  ...['offline.e2e', 'broken-page.e2e', 'start.fault', 'hostile.hostile', 'install.e2e', 'simulation.sim'],
  ...['own-presence.e2e', 'newcomer.e2e', 'blind.hostile', 'sleep-and-wake.e2e', 'images.fault', 'versus.fault'],
  ...['rotation.int', 'slow-requests.int', 'wrong-settings.int', 'presence-crashes.int', 'publish.int'],
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

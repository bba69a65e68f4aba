/** Deliberate faults in how claims are decided, renewed, taken away and begun anew. */
import type { Mutant } from './mutants.ts'

const faults: readonly Omit<Mutant, 'isOfBots'>[] = [
  // Who holds a claim.
  {
    name: 'a fence that is not compared',
    file: 'domain/src/claim.ts',
    find: `if (standing === fence) return undefined`,
    put: `if (standing === fence || fence !== undefined) return undefined`,
    known: 2,
  },
  {
    name: 'two winners of a claim',
    file: 'domain/src/claim.ts',
    find: `  if (hasClaim(intention)) return reject('taken', \`\${intention.id} is claimed already\`)
  if (intention.state !== 'draft')`,
    put: `  if (intention.state !== 'draft' && !hasClaim(intention))`,
  },
  {
    name: 'a copy that renews the claim of another',
    file: 'domain/src/claim.ts',
    find: `args.fence ?? (isHeldBy(intention, actor) ? standing?.fence : undefined)`,
    put: `isHeldBy(intention, actor) ? standing?.fence : args.fence`,
  },
  {
    name: 'a cancel that leaves the claim',
    file: 'domain/src/claim.ts',
    find: `standing === undefined || ENDS.has(state) ? null`,
    put: `standing === undefined || state === 'complete' ? null`,
  },
  {
    name: 'a retry that leaves the old fence',
    file: 'domain/src/claim.ts',
    find: `world.kept?.(intention.id)), attempt: 1 }`,
    put: `world.kept?.(intention.id)), attempt: 1, claim: { by: intention.owner, fence: intention.rev, until: at } }`,
  },

  // How long.
  {
    name: 'a lease that never runs out',
    file: 'domain/src/claim.ts',
    find: `standing.until > at) return undefined`,
    put: `standing.until > 0) return undefined`,
  },
  {
    name: 'a lease that runs out too soon',
    file: 'domain/src/claim.ts',
    find: `standing.until > at) return undefined`,
    put: `standing.until > at + 400) return undefined`,
  },
  {
    name: 'an append that does not renew',
    file: 'domain/src/change-intention.ts',
    find: `{ until: renewed(intention.claim, at, kept).until }`,
    put: `{ until: intention.claim.until }`,
  },
  {
    name: 'a claim asked for again that does not renew',
    file: 'domain/src/claim.ts',
    find: `return put({ ...standing, until }, {})`,
    put: `return put({ ...standing }, {})`,
  },

  // What stands there.
  {
    name: 'text that is not cleared when a lease runs out',
    file: 'domain/src/claim.ts',
    find: `const content = contentBefore(intention, kept)`,
    put: `const content = contentBefore(intention, kept) && intention.content`,
  },
  {
    name: 'a repeat of an append that is applied',
    file: 'domain/src/claim.ts',
    find: `return written.startsWith(text, place) ? 'repeat' : 'gap'`,
    put: `return written.startsWith(text, place) ? 'next' : 'gap'`,
    known: 2,
  },
  {
    name: 'a gap that is accepted',
    file: 'domain/src/claim.ts',
    find: `return written.startsWith(text, place) ? 'repeat' : 'gap'`,
    put: `return written.startsWith(text, place) ? 'repeat' : 'next'`,
  },
  {
    name: 'a reply for each time that an utterance arrives',
    file: 'domain/src/apply-batch.ts',
    find: `if (former !== undefined) {`,
    put: `if (former !== undefined && mutation.name === 'intention.create') {
      for (const op of repliesTo(world, mutation.args.id, at, newReplyId ?? (() => mutation.id)))
        changes.push(...[applyOp(world, op, { actor, mutation: mutation.id, at }) ?? []].flat())
    }
    if (former !== undefined) {`,
  },

  // How often.
  {
    name: 'attempts that are not counted',
    file: 'domain/src/claim.ts',
    find: `attempt: attempt + 1 }`,
    put: `attempt }`,
  },
  {
    name: 'attempts without end',
    file: 'domain/src/claim.ts',
    find: `if (attempt < maxAttempts)`,
    put: `if (attempt < 2 * maxAttempts)`,
    known: 4,
  },
  {
    name: 'a retry that goes on counting',
    file: 'domain/src/claim.ts',
    find: `world.kept?.(intention.id)), attempt: 1 }`,
    put: `world.kept?.(intention.id)) }`,
  },
  {
    name: 'a duty that forgets what it may not take at once',
    file: 'domain/src/overdue-claims.ts',
    find: `return [...world.intentions.values()].flatMap((placed) => {`,
    put: `return [...world.intentions.values()].slice(0, 3).flatMap((placed) => {`,
  },
]

export const BOT_MUTANTS: readonly Mutant[] = faults.map((fault) => ({ ...fault, isOfBots: true }))

/**
 * The setting that gives a being, a space or an address a budget of its own:
 *
 *   BUDGETS={"mutations": {"@bot": {"perSecond": 500, "burst": 2000}}}
 */
import { parseJson } from '@rhizom/protocol'
import { z } from 'zod'
import { BUDGET_NAMES, type BudgetOverrides } from './budgets.ts'
import { setting } from './settings.ts'

const budgetSchema = z.object({ perSecond: z.number().min(0), burst: z.number().min(1) })
const overridesSchema: z.ZodType<BudgetOverrides> = z.partialRecord(
  z.enum(BUDGET_NAMES),
  z.record(z.string(), budgetSchema),
)

const overrides = z.string().transform((text, context): BudgetOverrides => {
  const parsed = parseJson(overridesSchema, text === '' ? '{}' : text)
  if (parsed.ok) return parsed.value
  context.addIssue('must be JSON like {"mutations": {"@bot": {"perSecond": 500, "burst": 2000}}}')
  return z.NEVER
})

export const budgetsSetting = setting(
  overrides,
  `Budgets of their own, as JSON by budget and by being, space or address; 0 a second sets no limit. Budgets: ${BUDGET_NAMES.map((name) => `\`${name}\``).join(', ')}`,
  '',
)

/** What operators did, kept: a row before anything is done, and its outcome after. */
import type { Sql } from '../database.ts'
import { namesOf } from '../names.ts'
import { operatorActions } from '../schema.ts'

const set = namesOf(operatorActions)

export interface OperatorAction {
  id: string
  operator: string
  action: string
  target: string
  reason: string
}

export async function beginAction(sql: Sql, { id, operator, action, target, reason }: OperatorAction): Promise<void> {
  await sql`
    insert into ${set.as}
      (${set.id}, ${set.at}, ${set.operator}, ${set.action}, ${set.target}, ${set.reason}, ${set.outcome})
    values (${id}, clock_timestamp(), ${operator}, ${action}, ${target}, ${reason}, 'begun')`
}

export async function endAction(sql: Sql, id: string, outcome: string): Promise<void> {
  await sql`update ${set.as} set ${set.outcome} = ${outcome} where ${set.id} = ${id}`
}

/** A look at people and spaces: there is no reason to ask for, and it is over with the row. */
export async function noteLook(
  sql: Sql,
  { id, operator, action, target }: Omit<OperatorAction, 'reason'>,
): Promise<void> {
  await sql`
    insert into ${set.as}
      (${set.id}, ${set.at}, ${set.operator}, ${set.action}, ${set.target}, ${set.reason}, ${set.outcome})
    values (${id}, clock_timestamp(), ${operator}, ${action}, ${target}, '', 'done')`
}

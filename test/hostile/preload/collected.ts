/** What a node logs when it has collected its garbage, where whoever asked for it waits for that. */
export const COLLECTED = '{"level":20,"msg":"garbage collected"}'

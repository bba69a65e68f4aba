/** Bytes of a line that one frame of the budget pays for: more than any frame needs that would be accepted. */
const BYTES_PER_FRAME = 4096

/** What a line costs: a frame, and one more for each further 4 KiB, since reading it takes as much longer. */
export const lineCost = (bytes: number): number => Math.max(1, Math.ceil(bytes / BYTES_PER_FRAME))
